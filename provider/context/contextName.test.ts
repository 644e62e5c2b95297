import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { processTag } from "../process/liveProcess";
import { nameContext } from "./contextName";
import { sweepSlots } from "./contextSlot";

const folder = temporaryFolder();
const store = path.join(folder, "store");
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const options = { store, builder: "builder", use: "app" };
const longAgo = new Date("2020-01-01T00:00:00Z");

let contexts = 0;
/** A context of one file, written long ago. */
function newContext(): { context: string; write(content: string, time?: Date): void } {
    const context = path.join(folder, `context-${contexts++}`);
    const write = (content: string, time = longAgo) => {
        fs.writeFileSync(path.join(context, "file"), content);
        fs.utimesSync(path.join(context, "file"), time, time);
    };
    fs.mkdirSync(context);
    write("1");
    return { context, write };
}

/** The name that a build of it gets; the build does as told. */
async function nameOfBuild(context: string, build: { arrives?: boolean; meanwhile?: () => void; use?: string } = {}) {
    const named = await nameContext(context, { ...options, ...(build.use ? { use: build.use } : {}) });
    expect(fs.realpathSync(named.path)).toBe(fs.realpathSync(context));
    build.meanwhile?.();
    await named.done(build.arrives ?? true);
    return path.basename(named.path);
}

describe("a context keeps its name on a runner", () => {
    test("when nothing changed, when a file was edited, added or removed", async () => {
        const { context, write } = newContext();
        const name = await nameOfBuild(context);
        expect(await nameOfBuild(context)).toBe(name);
        write("2", new Date());
        expect(await nameOfBuild(context)).toBe(name);
        fs.writeFileSync(path.join(context, "more"), "");
        expect(await nameOfBuild(context)).toBe(name);
        fs.rmSync(path.join(context, "file"));
        expect(await nameOfBuild(context)).toBe(name);
    });

    test("when a file is edited while it is built", async () => {
        const { context } = newContext();
        const name = await nameOfBuild(context, {
            meanwhile: () => fs.writeFileSync(path.join(context, "file"), "2"),
        });
        expect(await nameOfBuild(context)).toBe(name);
    });
});

describe("a context gets a new name", () => {
    test("for every folder, image and named context", async () => {
        const { context } = newContext();
        const names = [
            await nameOfBuild(context),
            await nameOfBuild(context, { use: "other" }),
            await nameOfBuild(newContext().context),
        ];
        expect(new Set(names).size).toBe(3);
        expect(names.every((name) => /^[0-9a-f]{32}$/.test(name))).toBe(true);
    });

    test("when a file has other content under its old size and time, also after builds in between", async () => {
        const { context, write } = newContext();
        const name = await nameOfBuild(context);
        write("2", new Date("2021-01-01T00:00:00Z"));
        expect(await nameOfBuild(context)).toBe(name);
        write("3");
        expect(await nameOfBuild(context)).not.toBe(name);
    });

    test("when that happens while it is built, and the file is put back", async () => {
        const { context, write } = newContext();
        const name = await nameOfBuild(context, { meanwhile: () => write("2") });
        write("1");
        expect(await nameOfBuild(context)).not.toBe(name);
    });

    test("when the last build did not send all of it", async () => {
        const { context } = newContext();
        const name = await nameOfBuild(context, { arrives: false });
        expect(await nameOfBuild(context)).not.toBe(name);
    });

    test("when what was sent is not known any more", async () => {
        const { context } = newContext();
        const name = await nameOfBuild(context);
        const slot = fs.readdirSync(store).find((key) => fs.existsSync(path.join(store, key, name))) as string;
        fs.rmSync(path.join(store, slot, `${name}.sent`));
        expect(await nameOfBuild(context)).not.toBe(name);
    });

    test("when the process of the last build was killed", async () => {
        const { context } = newContext();
        const { path: link } = await nameContext(context, options);
        const other = spawn("sleep", ["60"]);
        const tag = processTag(other.pid);
        other.kill("SIGKILL");
        await new Promise((resolve) => other.on("close", resolve));
        fs.writeFileSync(path.join(path.dirname(link), "claim"), tag);
        expect(await nameOfBuild(context)).not.toBe(path.basename(link));
    });
});

test("a build during which the disk became full ends well, and the next gets a new name in the same place", async () => {
    const { context, write } = newContext();
    const { path: link, done } = await nameContext(context, options);
    fs.rmSync(`${link}.sent`);
    fs.symlinkSync("/dev/full", `${link}.sent`);
    write("2");
    expect(await done(true)).toMatchObject([{ path: Buffer.from("file") }]);
    const { path: next, done: nextDone } = await nameContext(context, options);
    await nextDone(true);
    expect(path.dirname(next)).toBe(path.dirname(link));
    expect(path.basename(next)).not.toBe(path.basename(link));
});

test("a second build at the same time has a name to itself, and leaves the first one's alone", async () => {
    const { context } = newContext();
    const first = await nameContext(context, options);
    const second = await nameContext(context, options);
    expect(path.basename(second.path)).not.toBe(path.basename(first.path));
    expect(fs.realpathSync(second.path)).toBe(fs.realpathSync(context));
    await second.done(true);
    expect(fs.existsSync(second.path)).toBe(false);
    await first.done(true);
    expect(await nameOfBuild(context)).toBe(path.basename(first.path));
});

test("builds of other containers, whose ends cannot be seen, keep what they hold as long as they renew their claims", async () => {
    const own = path.join(folder, "shared");
    const { context } = newContext();
    const shared = { ...options, store: own };
    const { path: link } = await nameContext(context, shared);
    const claim = path.join(path.dirname(link), "claim");
    const tag = processTag().replace(/^[0-9a-f]{8}/, "00000000");
    fs.writeFileSync(claim, tag);
    const oneBuild = path.join(own, `${tag}.0a0b0c0d`);
    fs.mkdirSync(oneBuild);
    const second = await nameContext(context, shared);
    await second.done(true);
    expect(path.basename(second.path)).not.toBe(path.basename(link));
    expect([link, `${link}.sent`, oneBuild].map((file) => fs.existsSync(file))).toEqual([true, true, true]);
    const anHourAgo = new Date(Date.now() - 3600_000);
    fs.utimesSync(claim, anHourAgo, anHourAgo);
    fs.utimesSync(oneBuild, longAgo, longAgo);
    const third = await nameContext(context, shared);
    await third.done(true);
    expect(path.dirname(third.path)).toBe(path.dirname(link));
    expect([link, oneBuild].map((file) => fs.existsSync(file))).toEqual([false, false]);
});

test("what is kept of a name stays in proportion to the context", async () => {
    const { context } = newContext();
    const { path: link, done } = await nameContext(context, options);
    await done(true);
    const versions = Array.from({ length: 1_020 }, (_unused, at) => `1 ${at} ${btoa("file")}\t${btoa("content")}\n`);
    fs.appendFileSync(`${link}.sent`, versions.slice(0, 1_000).join(""));
    expect(await nameOfBuild(context)).toBe(path.basename(link));
    fs.appendFileSync(`${link}.sent`, versions.join(""));
    expect(await nameOfBuild(context)).not.toBe(path.basename(link));
    expect(fs.readdirSync(path.dirname(link)).length).toBe(3);
});

test("an unreadable context is an error, and is not taken for in use later", async () => {
    const { context } = newContext();
    fs.writeFileSync(path.join(context, ".dockerignore"), "!");
    await expect(nameContext(context, options)).rejects.toThrow(".dockerignore:1: pattern ! is not valid");
    fs.rmSync(path.join(context, ".dockerignore"));
    const name = await nameOfBuild(context);
    expect(await nameOfBuild(context)).toBe(name);
});

test("what nobody has built for a month goes, and so does what a killed build left", async () => {
    const own = path.join(folder, "swept");
    const { context } = newContext();
    const named = await nameContext(context, { ...options, store: own });
    fs.mkdirSync(path.join(own, `${processTag().split("-")[0]}-4194304-1.0a0b0c0d`));
    const month = 31 * 24 * 3600 * 1000;
    await sweepSlots(own, Date.now() + month);
    expect(fs.readdirSync(own)).toEqual([path.basename(path.dirname(named.path))]);
    await named.done(true);
    await sweepSlots(own, Date.now() + month);
    expect(fs.readdirSync(own)).toEqual([]);
});
