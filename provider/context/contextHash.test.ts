import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { createServer } from "node:net";
import * as path from "node:path";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { type FolderOptions, hashFolder, sentFiles } from "./contextHash";

const folder = temporaryFolder();
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

let contexts = 0;
/** A folder with these files. */
function newContext(files: { [name: string]: string } = {}): string {
    const context = path.join(folder, `context-${contexts++}`);
    fs.mkdirSync(context);
    for (const [name, content] of Object.entries(files)) {
        fs.mkdirSync(path.dirname(path.join(context, name)), { recursive: true });
        fs.writeFileSync(path.join(context, name), content);
    }
    return context;
}

const hashOf = (context: string, options: FolderOptions = {}) => hashFolder(context, options);

async function sent(context: string, options: FolderOptions = {}): Promise<string[]> {
    return (await sentFiles(context, options)).map((entry) => entry.path.toString());
}

async function whetherChanged(context: string, change: () => void, options: FolderOptions = {}): Promise<boolean> {
    const before = await hashOf(context, options);
    change();
    return (await hashOf(context, options)) !== before;
}

const edit = (file: string) => fs.writeFileSync(file, `${fs.readFileSync(file)}.`);

describe("a change that arrives changes the hash", () => {
    const changes: { [change: string]: (context: string) => void } = {
        "an edit": (context) => edit(path.join(context, "app.txt")),
        "an edit under the old size and time": (context) => {
            const { mtime } = fs.statSync(path.join(context, "app.txt"));
            fs.writeFileSync(path.join(context, "app.txt"), "APP");
            fs.utimesSync(path.join(context, "app.txt"), mtime, mtime);
        },
        "a link's new target": (context) => {
            fs.rmSync(path.join(context, "current"));
            fs.symlinkSync("v2", path.join(context, "current"));
        },
        "a new empty folder": (context) => fs.mkdirSync(path.join(context, "new")),
        "a folder's permissions": (context) => fs.chmodSync(path.join(context, "v1"), 0o700),
        "a file's permissions": (context) => fs.chmodSync(path.join(context, "app.txt"), 0o600),
        setuid: (context) => fs.chmodSync(path.join(context, "app.txt"), 0o4644),
        "a new name": (context) => fs.renameSync(path.join(context, "app.txt"), path.join(context, "app2.txt")),
        "a file in a folder": (context) => fs.writeFileSync(path.join(context, "v1/more"), ""),
    };

    /** With links that lead nowhere, to themselves, and to a device without an end. */
    function contextOfLinks(): string {
        const context = newContext({ "app.txt": "app", "v1/file": "", "v2/file": "" });
        const links = { ".#app.txt": "me@host.1", self: "self", endless: "/dev/zero", current: "v1", out: ".." };
        for (const [name, target] of Object.entries(links)) {
            fs.symlinkSync(target, path.join(context, name));
        }
        return context;
    }

    test.each(Object.keys(changes))("%s, among links of every kind", async (change) => {
        const context = contextOfLinks();
        expect(await whetherChanged(context, () => changes[change]?.(context))).toBe(true);
    });

    test("a named context goes by its own ignore file, not by the main one's", async () => {
        newContext({ ".dockerignore": "*" });
        const named = newContext({ file: "" });
        expect(await whetherChanged(named, () => edit(path.join(named, "file")))).toBe(true);
    });

    test("a name is bytes, and need not be text", async () => {
        const context = newContext();
        const name = (byte: number) => Buffer.concat([Buffer.from(`${context}/b`), Buffer.from([byte])]);
        fs.writeFileSync(name(0xff), "");
        expect(await whetherChanged(context, () => fs.renameSync(name(0xff), name(0xfe)))).toBe(true);
    });

    test("a named pipe is not waited for, and no file", async () => {
        const context = newContext();
        execFileSync("mkfifo", [path.join(context, "pipe")]);
        const pipeToFile = () => {
            fs.rmSync(path.join(context, "pipe"));
            fs.writeFileSync(path.join(context, "pipe"), "");
        };
        expect(await whetherChanged(context, pipeToFile)).toBe(true);
    });
});

describe("what does not arrive does not change the hash", () => {
    const changes: { [change: string]: (context: string) => void } = {
        "a time": (context) => fs.utimesSync(path.join(context, "file"), 1, 1),
        "an owner": (context) => fs.lchownSync(path.join(context, "file"), process.getuid?.() ?? 0, 1),
        "the permissions of the context itself": (context) => fs.chmodSync(context, 0o700),
        "an ignored file": (context) => edit(path.join(context, "ignored/file")),
        "a comment in an ignored ignore file": (context) =>
            fs.appendFileSync(path.join(context, ".dockerignore"), "\n# comment"),
        "a copy in place of a hard link": (context) => {
            fs.copyFileSync(path.join(context, "file"), path.join(context, "copy"));
            fs.renameSync(path.join(context, "copy"), path.join(context, "linked"));
        },
    };

    test.each(Object.keys(changes))("%s", async (change) => {
        const context = newContext({ file: "x", "ignored/file": "", ".dockerignore": "ignored\n.dockerignore" });
        fs.linkSync(path.join(context, "file"), path.join(context, "linked"));
        expect(await whetherChanged(context, () => changes[change]?.(context))).toBe(false);
    });

    test("where the context is, what leads to it, and in which order its files were made", async () => {
        const context = newContext({ b: "b", a: "a", "c/d": "d" });
        const other = newContext({ "c/d": "d", a: "a", b: "b" });
        const link = path.join(folder, "link");
        fs.symlinkSync(other, link);
        expect(await hashOf(link)).toBe(await hashOf(context));
    });

    test("a socket in place of an empty file: buildx sends it as that", async () => {
        const context = newContext({ file: "" });
        const before = await hashOf(context);
        const socket = path.join(context, "file");
        fs.rmSync(socket);
        const server = createServer();
        await new Promise<void>((resolve) => server.listen(socket, resolve));
        fs.chmodSync(socket, 0o644);
        expect(await hashOf(context)).toBe(before);
        await new Promise((resolve) => server.close(resolve));
    });
});

describe("the ignore file of a main context", () => {
    const files = { "a.txt": "", "b.txt": "", ".dockerignore": "a.txt" };

    test("is the Dockerfile's own, wherever the Dockerfile is, before the context's", async () => {
        const context = newContext(files);
        const dockerfile = path.join(newContext({ "my.Dockerfile.dockerignore": "b.txt" }), "my.Dockerfile");
        expect(await sent(context, { dockerfile })).toEqual([".dockerignore", "a.txt"]);
        fs.writeFileSync(`${dockerfile}.dockerignore`, "");
        expect(await sent(context, { dockerfile })).toEqual([".dockerignore", "a.txt", "b.txt"]);
        fs.rmSync(`${dockerfile}.dockerignore`);
        expect(await sent(context, { dockerfile })).toEqual([".dockerignore", "b.txt"]);
    });

    test("is found behind a link, as if the context were the whole file system", async () => {
        const context = newContext({ "rules/ignore": "a.txt", "a.txt": "" });
        fs.symlinkSync("/rules/ignore", path.join(context, ".dockerignore"));
        expect(await sent(context)).not.toContain("a.txt");
        fs.rmSync(path.join(context, ".dockerignore"));
        fs.symlinkSync("../../rules/ignore", path.join(context, ".dockerignore"));
        expect(await sent(context)).not.toContain("a.txt");
    });

    test.each(["nowhere", ".dockerignore", "/etc/hostname"])("a link to %s is none", async (target) => {
        const context = newContext({ "a.txt": "" });
        fs.symlinkSync(target, path.join(context, ".dockerignore"));
        expect(await sent(context)).toEqual([".dockerignore", "a.txt"]);
    });
});

describe("one hash", () => {
    test("for all who ask while it is made, and not longer", async () => {
        const context = newContext({ file: "1" });
        const [first, second] = [sentFiles(context, {}), sentFiles(context, {})];
        expect(await first).toBe(await second);
        fs.writeFileSync(path.join(context, "file"), "2");
        expect(await sentFiles(context, {})).not.toEqual(await first);
    });

    test("an unchanged file is read once", async () => {
        const size = 1 << 22;
        const context = newContext({ file: "1".repeat(size) });
        // Whether a file that was written a moment ago is unchanged, its times cannot say.
        await new Promise((resolve) => setTimeout(resolve, 100));
        expect(await bytesRead(() => hashOf(context))).toBeGreaterThan(size);
        expect(await bytesRead(() => hashOf(context))).toBeLessThan(size / 2);
        fs.writeFileSync(path.join(context, "file"), "2".repeat(size));
        expect(await bytesRead(() => hashOf(context))).toBeGreaterThan(size);
    });
});

/** By this process, meanwhile. */
async function bytesRead(work: () => Promise<unknown>): Promise<number> {
    const now = () => Number(/rchar: (\d+)/.exec(fs.readFileSync("/proc/self/io", "utf8"))?.[1]);
    const before = now();
    await work();
    return now() - before;
}

describe("what cannot be read is told with its path", () => {
    test("a missing context, and one that is a file", async () => {
        await expect(hashFolder(path.join(folder, "nope"), {})).rejects.toThrow("nope does not exist");
        const context = newContext({ file: "" });
        await expect(hashFolder(path.join(context, "file"), {})).rejects.toThrow("file is not a folder");
    });

    test("a bad pattern, with its line", async () => {
        const context = newContext({ ".dockerignore": "a\n[b\n" });
        await expect(hashFolder(context, {})).rejects.toThrow(
            ".dockerignore:2: pattern [b is not valid: its [...] is not complete",
        );
    });

    const asUser = process.getuid?.() === 0 ? test : test.skip;
    asUser("a file or folder of somebody else's, unless it is ignored", async () => {
        const context = newContext({ file: "x", "secret/file": "", ".dockerignore": "" });
        fs.chmodSync(folder, 0o755);
        fs.chmodSync(path.join(context, "file"), 0o600);
        fs.chmodSync(path.join(context, "secret"), 0o700);
        process.seteuid?.(65534);
        try {
            await expect(hashFolder(context, {})).rejects.toThrow(`${context}/file cannot be read: permission denied`);
            process.seteuid?.(0);
            fs.writeFileSync(path.join(context, ".dockerignore"), "file");
            process.seteuid?.(65534);
            await expect(hashFolder(context, {})).rejects.toThrow("secret cannot be read: permission denied");
            process.seteuid?.(0);
            fs.writeFileSync(path.join(context, ".dockerignore"), "file\nsecret\n!secret/*");
            process.seteuid?.(65534);
            expect((await sentFiles(context, {})).filter(({ type }) => type === "file")).toHaveLength(1);
        } finally {
            process.seteuid?.(0);
        }
    });
});
