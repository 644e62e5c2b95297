import { randomBytes } from "node:crypto";
import { readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { commandOf, descendants, until } from "../../tests/e2e/processes";
import { buildkitOfProcess } from "../../tests/helpers/buildkit";
import { quietWork } from "../../tests/helpers/quietWork";
import { asleepFor, fromStep } from "../../tests/helpers/stepImage";
import { processTag } from "../process/liveProcess";
import { buildImage, type ImageBuild } from "./imageBuild";
import type { PlatformImageInputs } from "./platformImage";

jest.setTimeout(120_000);

/** Bytes of a context's large file. */
const large = 4 << 20;
const fails = 'RUN ["/step", "print", "x", "1", "fail"]';
const copies = ["COPY data.bin /data.bin", "COPY --from=more . /more/"];

const buildkit = buildkitOfProcess();

/** An image with a large main context and a large named one, built as the provider does. */
class Image {
    private readonly context: string;
    readonly more: string;

    constructor(readonly name: string) {
        const data = () => ({ "data.bin": randomBytes(large).toString("latin1") });
        this.context = buildkit.context(name, [], data());
        this.more = buildkit.context(`${name}-more`, [], data());
    }

    build(
        dockerfile: string[],
        signal = new AbortController().signal,
        changes: Partial<PlatformImageInputs> = {},
    ): Promise<ImageBuild> {
        writeFileSync(path.join(this.context, "Dockerfile"), `${dockerfile.join("\n")}\n`);
        const inputs: PlatformImageInputs = {
            platform: "linux/amd64",
            runner: "amd64",
            builder: buildkit.builder,
            context: this.context,
            contexts: { more: this.more },
            args: {},
            secrets: {},
            tags: [`${buildkit.registry}/${this.name}:latest`],
            cacheFrom: [],
            cacheTo: [],
            ...changes,
        };
        const here = { connect: "", project: buildkit.folder, buildsPerRunner: 1 };
        return buildImage(inputs, here, quietWork(this.name, signal));
    }
}

const sentBy = async (build: Promise<ImageBuild>) => (await build).receipt.sending.bytes;

test("what a build sent before one of its steps failed is not sent again", async () => {
    const image = new Image("step");
    await expect(image.build([...fromStep, ...copies, fails])).rejects.toThrow("failed, as it was told to");
    writeFileSync(path.join(image.more, "edited.txt"), "edited");
    const sent = await sentBy(image.build([...fromStep, ...copies, "LABEL a=b"]));
    expect(sent).toBeLessThan(100_000);
});

test("a build that failed before anything was sent leaves the runner what it has", async () => {
    const image = new Image("parse");
    expect(await sentBy(image.build([...fromStep, ...copies]))).toBeGreaterThan(2 * large);
    await expect(image.build(["FROM scratch", "RUNE x"])).rejects.toThrow("unknown instruction: RUNE");
    expect(await sentBy(image.build([...fromStep, ...copies, "LABEL a=b"]))).toBeLessThan(100_000);
});

test("what a build sent whose image is refused for its platform is not sent again", async () => {
    const base = new Image("base");
    const { digest } = await base.build(fromStep);
    const image = new Image("refused");
    const build = (from: string) =>
        image.build([from, ...copies], new AbortController().signal, { platform: "linux/arm64" });
    await expect(build(`FROM ${buildkit.registry}/base@${digest}`)).rejects.toThrow("out of one for linux/amd64");
    expect(await sentBy(build("FROM scratch"))).toBeLessThan(100_000);
});

test("a build that cannot be started leaves the runner what it has", async () => {
    const image = new Image("unstarted");
    expect(await sentBy(image.build([...fromStep, ...copies]))).toBeGreaterThan(2 * large);
    const tooLong = { args: { A: "x".repeat(1 << 18) } };
    const build = image.build([...fromStep, ...copies], new AbortController().signal, tooLong);
    await expect(build).rejects.toThrow("longer than a program can be given");
    expect(await sentBy(image.build([...fromStep, ...copies, "LABEL a=b"]))).toBeLessThan(100_000);
});

test("a build that fails before buildx is started, for a base that is not there, leaves the runner what it has", async () => {
    const image = new Image("baseless");
    expect(await sentBy(image.build([...fromStep, ...copies]))).toBeGreaterThan(2 * large);
    const ref = `docker-image://${buildkit.registry}/nothing@sha256:${"0".repeat(64)}`;
    const contexts = { more: image.more, base: { "linux/amd64": ref, "linux/arm64": ref } };
    const build = image.build([...fromStep, ...copies], new AbortController().signal, { contexts });
    await expect(build).rejects.toThrow("not found");
    expect(await sentBy(image.build([...fromStep, ...copies, "LABEL a=b"]))).toBeLessThan(100_000);
});

const asleep = () =>
    until("the step sleeps", () => descendants(process.pid).some((pid) => commandOf(pid).startsWith("/step sleep")));

test("what a build sent before it was canceled is not sent again", async () => {
    const image = new Image("canceled");
    const abort = new AbortController();
    const build = image.build([...fromStep, ...copies, 'RUN ["/step", "sleep", "1000"]'], abort.signal);
    const end = build.catch((error: Error) => error.message);
    await asleep();
    abort.abort();
    expect(await end).toBe("canceled");
    expect(await sentBy(image.build([...fromStep, ...copies]))).toBeLessThan(100_000);
});

test("a disk that becomes full hides neither what was pushed nor why a build failed", async () => {
    const store = path.join(buildkit.folder, "data/contexts");
    const temporary = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`native-buildx-${processTag()}.`));
    const before = temporary();
    const fillDisk = (image: Image) => {
        const held = readdirSync(store).filter((slot) => readdirSync(path.join(store, slot)).includes("claim"));
        for (const file of held.flatMap((slot) =>
            readdirSync(path.join(store, slot)).map((name) => `${slot}/${name}`),
        )) {
            if (file.endsWith(".sent")) {
                rmSync(path.join(store, file));
                symlinkSync("/dev/full", path.join(store, file));
            }
        }
        writeFileSync(path.join(image.more, "edited.txt"), "edited");
    };
    for (const [name, step, said] of [
        ["full-pushed", "LABEL a=b", /^sha256:/],
        ["full-failed", fails, /failed, as it was told to/],
    ] as const) {
        const image = new Image(name);
        const build = image.build([...fromStep, ...copies, asleepFor(5), step]);
        const end = build.then(({ digest }) => digest, String);
        await asleep();
        fillDisk(image);
        expect(await end).toMatch(said);
    }
    expect(temporary()).toEqual(before);
});

test("an edit under the old size and time, made while a build failed, arrives in the next", async () => {
    const image = new Image("edited");
    const file = path.join(image.more, "v.txt");
    const write = (text: string) => {
        writeFileSync(file, text);
        utimesSync(file, 1_600_000_000, 1_600_000_000);
    };
    write("old");
    const expects = (text: string) => `RUN ["/step", "expect", "/more/v.txt", "${text}"]`;
    const failed = image.build([...fromStep, ...copies, expects("other")]);
    const end = failed.catch((error: Error) => error.message);
    expect(await end).toContain('"old" is in /more/v.txt');
    write("new");
    await image.build([...fromStep, ...copies, expects("new")]);
});

test("a build says the hash of its contexts, by which an edit is seen", async () => {
    const image = new Image("hash");
    const first = await image.build([...fromStep, ...copies]);
    const same = await image.build([...fromStep, ...copies]);
    expect(same.contextHash).toBe(first.contextHash);
    writeFileSync(path.join(image.more, "edited.txt"), "edited");
    expect((await image.build([...fromStep, ...copies])).contextHash).not.toBe(first.contextHash);
});

test.each([
    ["where the compile cluster is, if its image asks for it", "awake" as const, "/dev/.compile-cluster/bin"],
    ["of no compile cluster otherwise", undefined, ""],
])("a Dockerfile is told %s", async (_what, compileCluster, where) => {
    const image = new Image("clustered");
    const signal = new AbortController().signal;
    await image.build(["FROM scratch", "ARG COMPILE_CLUSTER", 'LABEL at="[$COMPILE_CLUSTER]"'], signal, {
        compileCluster,
    });
    const config = await buildkit.run("crane", ["config", `${buildkit.registry}/clustered:latest`]);
    expect(JSON.parse(config).config.Labels.at).toBe(`[${where}]`);
});
