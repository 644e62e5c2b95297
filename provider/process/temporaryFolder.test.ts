import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import * as path from "node:path";
import { checkout } from "../../tests/helpers/checkout";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { makeTemporaryFolder, removeTemporaryFolder, sweepTemporaryFolders } from "./temporaryFolder";

jest.setTimeout(60_000);

let temporary: string;
beforeEach(() => {
    temporary = temporaryFolder();
});
const started: ChildProcess[] = [];
afterEach(() => {
    for (const child of started.splice(0)) {
        child.kill("SIGKILL");
    }
    rmSync(temporary, { recursive: true, force: true });
});

/** A process that has made a folder with a file in it, and does this when it is told to. */
async function other(then = ""): Promise<{ child: ChildProcess; folder: string }> {
    const program = [
        'require("tsx/cjs");',
        'const { makeTemporaryFolder } = require("./provider/process/temporaryFolder");',
        "const folder = makeTemporaryFolder(process.argv[1]);",
        'require("node:fs").writeFileSync(folder + "/login", "secret");',
        "console.log(folder);",
        `process.stdin.on("data", () => { ${then} });`,
    ];
    const child = spawn(process.execPath, ["--eval", program.join("\n"), temporary], { cwd: checkout });
    started.push(child);
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    const folder = said.toString().trim();
    expect(existsSync(path.join(folder, "login"))).toBe(true);
    return { child, folder };
}

/** The folder of a process that was killed. */
async function killed(): Promise<string> {
    const { child, folder } = await other();
    child.kill("SIGKILL");
    await once(child, "exit");
    return folder;
}

test("a folder goes with the process that made it, also where nothing after it is run", async () => {
    const { child, folder } = await other("process.exit(1)");
    child.stdin?.write("\n");
    expect(await once(child, "exit")).toEqual([1, null]);
    expect(existsSync(folder)).toBe(false);
});

test("of a process that was killed it goes with the next, and of those that run it stays", async () => {
    const left = await killed();
    const { folder } = await other();
    const own = makeTemporaryFolder(temporary);
    expect(statSync(own).mode & 0o777).toBe(0o700);
    await sweepTemporaryFolders(temporary);
    expect([left, folder, own].map(existsSync)).toEqual([false, true, true]);
    await removeTemporaryFolder(own);
    expect(existsSync(own)).toBe(false);
});

test("of a process elsewhere, whose end cannot be seen, it stays a day", async () => {
    const folder = (await killed()).replace(/native-buildx-[0-9a-f]{8}/, "native-buildx-00000000");
    mkdirSync(folder);
    await sweepTemporaryFolders(temporary);
    expect(existsSync(folder)).toBe(true);
    utimesSync(folder, 0, 0);
    await sweepTemporaryFolders(temporary);
    expect(readdirSync(temporary)).toEqual([]);
});

test("others stay: those of another user, and what has another name", async () => {
    const left = await killed();
    const others = ["native-buildx-0", "native-buildx-step-0-0123456789ab", "native-buildx-00000000-x.abcdef"];
    for (const name of others) {
        mkdirSync(path.join(temporary, name));
        utimesSync(path.join(temporary, name), 0, 0);
    }
    if (process.getuid?.() === 0) {
        chownSync(left, 65534, 65534);
    }
    await sweepTemporaryFolders(temporary);
    expect(readdirSync(temporary).sort()).toEqual(
        process.getuid?.() === 0 ? [...others, path.basename(left)].sort() : others,
    );
});
