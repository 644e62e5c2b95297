import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { until } from "../../tests/e2e/processes";
import { buildkitOfProcess } from "../../tests/helpers/buildkit";
import { quietWork } from "../../tests/helpers/quietWork";
import { fromStep } from "../../tests/helpers/stepImage";
import type { Here } from "../process/here";
import { serving } from "./connectionsBench";
import { type ImageIndexInputs, type ImageIndexOutputs, ImageIndexResource } from "./imageIndex";
import { type PlatformImageInputs, type PlatformImageOutputs, PlatformImageResource } from "./platformImage";

jest.setTimeout(120_000);

const buildkit = buildkitOfProcess();

let ctrlC: AbortController;
beforeEach(() => {
    ctrlC = new AbortController();
});
const work = (urn: string) => quietWork(urn, ctrlC.signal);
const here = (): Here => ({ connect: "", project: buildkit.folder, buildsPerRunner: 1 });
const tagsOf = (image: string) => ["latest", "1.0"].map((tag) => `${buildkit.registry}/${image}:${tag}`);
const leadsTo = async (tag = "") => (await buildkit.run("crane", ["digest", tag])).trim();

/** Makes something with one of its tags, then fails to make it otherwise with both. */
async function expectTagsKept<T extends { digest: string }>(
    image: string,
    make: (tags: string[]) => Promise<T>,
    fail: (tags: string[], olds: T) => Promise<T>,
    message: string,
): Promise<void> {
    const [known = "", another = ""] = tagsOf(image);
    const before = await make([known]);
    await expect(fail([known, another], before)).rejects.toThrow(message);
    expect(await leadsTo(known)).toBe(before.digest);
    // It was pushed.
    expect(await leadsTo(another)).not.toBe(before.digest);
}

describe("tags that something took before it was found to be wrong lead to what was there before again:", () => {
    test("an index of other platforms than declared", async () => {
        const resource = new ImageIndexResource(serving);
        const context = buildkit.context("parts", fromStep);
        const source = async (platform: string) => {
            const tag = `${buildkit.registry}/parts:${platform.replace("/", "-")}`;
            return `${tag}@${(await buildkit.build({ context, platform, tags: [tag] })).digest}`;
        };
        const make = async (platform: string, tags: string[], olds?: ImageIndexOutputs) => {
            const inputs: ImageIndexInputs = {
                ...{ builder: buildkit.builder, tags, sources: [await source(platform)] },
                ...{ platforms: ["linux/amd64"], here: here() },
            };
            const checked = await resource.check(inputs, work("index"));
            return olds
                ? resource.update(checked, work("index"), olds)
                : (await resource.create(checked, work("index"))).outputs;
        };
        const [amd64, arm64] = [make.bind(null, "linux/amd64"), make.bind(null, "linux/arm64")];
        await expectTagsKept("index", amd64, arm64, "lacks linux/amd64");
    });

    describe("an image", () => {
        const resource = new PlatformImageResource(serving);
        const make = async (dockerfile: string[], tags: string[], olds?: PlatformImageOutputs) => {
            const inputs: PlatformImageInputs = {
                ...{ platform: "linux/amd64", runner: "amd64", builder: buildkit.builder, tags, here: here() },
                ...{ context: buildkit.context("image", dockerfile), contexts: {}, args: {}, secrets: {} },
                ...{ cacheFrom: [], cacheTo: [] },
            };
            const checked = await resource.check(inputs, work("image"), {});
            return olds
                ? resource.update(checked, work("image"), olds)
                : (await resource.create(checked, work("image"))).outputs;
        };
        const right = make.bind(null, [...fromStep, "LABEL a=b"]);

        test("made out of one of another platform, which the runner alone has seen", async () => {
            const [tag, context] = [`${buildkit.registry}/foreign:latest`, buildkit.context("foreign", fromStep)];
            await buildkit.build({ context, platform: "linux/arm64", tags: [tag] });
            const wrong = make.bind(null, [`FROM ${tag}`, "LABEL a=b"]);
            await expectTagsKept("image", right, wrong, "for linux/amd64 out of one for linux/arm64");
        });

        test("that was pushed at the moment of a Ctrl-C", async () => {
            const { PATH } = process.env;
            const bin = path.join(buildkit.folder, "bin");
            const pushed = path.join(bin, "pushed");
            mkdirSync(bin);
            const pushes = `PATH='${PATH}' buildx "$@" && : >'${pushed}' && exec sleep 60`;
            const script = `#!/bin/sh\nif [ "$1" = build ]; then ${pushes}; fi\nPATH='${PATH}' exec buildx "$@"\n`;
            writeFileSync(path.join(bin, "buildx"), script, { mode: 0o755 });
            const canceled = async (tags: string[], olds: PlatformImageOutputs) => {
                process.env.PATH = `${bin}:${PATH}`;
                const update = make([...fromStep, "LABEL a=c"], tags, olds);
                const end = update.catch(() => undefined);
                await until("the image is pushed", () => existsSync(pushed));
                ctrlC.abort();
                await end;
                process.env.PATH = PATH;
                return update;
            };
            await expectTagsKept("canceled", right, canceled, "canceled");
        });
    });
});
