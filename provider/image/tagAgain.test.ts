import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { until } from "../../tests/e2e/processes";
import { buildkitOfProcess } from "../../tests/helpers/buildkit";
import { quietWork } from "../../tests/helpers/quietWork";
import { frontOf, isManifestPush, refuse } from "../../tests/helpers/registryFront";
import { fromStep } from "../../tests/helpers/stepImage";
import type { Here } from "../process/here";
import { serving } from "./connectionsBench";
import { type ImageIndexInputs, type ImageIndexOutputs, ImageIndexResource } from "./imageIndex";
import { type PlatformImageInputs, type PlatformImageOutputs, PlatformImageResource } from "./platformImage";

jest.setTimeout(120_000);

const buildkit = buildkitOfProcess();
const front = frontOf(buildkit);
beforeEach(() => {
    front.answers = () => false;
});

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

/** Makes an image, or makes it anew where there was one. */
async function makeImage(
    dockerfile: string[],
    inputs: Partial<PlatformImageInputs> & { tags: string[] },
    olds?: PlatformImageOutputs,
): Promise<PlatformImageOutputs> {
    const resource = new PlatformImageResource(serving);
    const all: PlatformImageInputs = {
        ...{ platform: "linux/amd64", runner: "amd64", builder: buildkit.builder, here: here() },
        ...{ context: buildkit.context("image", dockerfile), contexts: {}, args: {}, secrets: {} },
        ...{ cacheFrom: [], cacheTo: [], ...inputs },
    };
    const checked = await resource.check(all, work("image"), {});
    return olds
        ? resource.update(checked, work("image"), olds)
        : (await resource.create(checked, work("image"))).outputs;
}

/** The same for an index, which is for linux/amd64. */
async function makeIndex(sources: string[], tags: string[], olds?: ImageIndexOutputs): Promise<ImageIndexOutputs> {
    const resource = new ImageIndexResource(serving);
    const inputs: ImageIndexInputs = {
        ...{ builder: buildkit.builder, tags, sources, platforms: ["linux/amd64"], here: here() },
    };
    const checked = await resource.check(inputs, work("index"));
    return olds
        ? resource.update(checked, work("index"), olds)
        : (await resource.create(checked, work("index"))).outputs;
}

async function sourceOf(platform: string, more: string[] = []): Promise<string> {
    const tag = `${buildkit.registry}/parts:${platform.replace("/", "-")}`;
    const context = buildkit.context("parts", [...fromStep, ...more]);
    return `${tag}@${(await buildkit.build({ context, platform, tags: [tag] })).digest}`;
}

describe("tags that something took before it was found to be wrong lead to what was there before again:", () => {
    test("an index of other platforms than declared", async () => {
        const make = async (platform: string, tags: string[], olds?: ImageIndexOutputs) =>
            makeIndex([await sourceOf(platform)], tags, olds);
        const [amd64, arm64] = [make.bind(null, "linux/amd64"), make.bind(null, "linux/arm64")];
        await expectTagsKept("index", amd64, arm64, "lacks linux/amd64");
    });

    describe("an image", () => {
        const right = (tags: string[]) => makeImage([...fromStep, "LABEL a=b"], { tags });

        test("made out of one of another platform, which the runner alone has seen", async () => {
            const [tag, context] = [`${buildkit.registry}/foreign:latest`, buildkit.context("foreign", fromStep)];
            await buildkit.build({ context, platform: "linux/arm64", tags: [tag] });
            const wrong = (tags: string[], olds: PlatformImageOutputs) =>
                makeImage([`FROM ${tag}`, "LABEL a=b"], { tags }, olds);
            await expectTagsKept("image", right, wrong, "for linux/amd64 out of one for linux/arm64");
        });

        test.each([
            ["without attestations", false],
            ["with them, which make it an index", true],
        ])("of which the registry took one tag, and refused the next, %s", async (_how, provenance) => {
            front.answers = (asked, answer) =>
                isManifestPush(asked, "refused") && refuse(answer, 403, "DENIED", "no more tags today");
            const image = `refused-${provenance}`;
            const both = (tags: string[], olds: PlatformImageOutputs) => {
                const refused = `${front.address}/${image}:refused`;
                return makeImage([...fromStep, "LABEL a=c"], { tags: [...tags, refused], provenance }, olds);
            };
            await expectTagsKept(image, right, both, "no more tags today");
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
                const update = makeImage([...fromStep, "LABEL a=c"], { tags }, olds);
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

/** Where the registry keeps them: it takes no deletions. */
const repositories = path.join(buildkit.folder, "registry/docker/registry/v2/repositories");

describe("tags that somebody else moved, or deleted, stay so when an update fails before it has pushed:", () => {
    /** Makes something well, then badly, then not at all, after an operator's work on both of its tags. */
    async function expectTagsLeft<T extends { digest: string }>(
        image: string,
        make: (tags: string[], olds?: T) => Promise<T>,
        remake: (tags: string[], olds: T) => Promise<T>,
        fail: (tags: string[], olds: T) => Promise<T>,
    ): Promise<void> {
        const tags = tagsOf(image);
        const [latest = "", other = ""] = tags;
        const good = await make(tags);
        const bad = await remake(tags, good);
        await buildkit.run("crane", ["copy", `${latest}@${good.digest}`, latest]);
        rmSync(path.join(repositories, image, "_manifests/tags/1.0"), { recursive: true });
        await expect(fail(tags, bad)).rejects.toThrow();
        expect(await leadsTo(latest)).toBe(good.digest);
        await expect(leadsTo(other)).rejects.toThrow("404");
    }

    test("of an image", () =>
        expectTagsLeft<PlatformImageOutputs>(
            "left",
            (tags) => makeImage([...fromStep, "LABEL a=good"], { tags }),
            (tags, olds) => makeImage([...fromStep, "LABEL a=bad"], { tags }, olds),
            (tags, olds) => makeImage([...fromStep, "NONSENSE"], { tags }, olds),
        ));

    test("of an index", async () => {
        const [good, bad] = [await sourceOf("linux/amd64"), await sourceOf("linux/amd64", ["LABEL a=bad"])];
        const missing = good.replace(/@.*/, `@sha256:${"0".repeat(64)}`);
        await expectTagsLeft<ImageIndexOutputs>(
            "left-index",
            (tags) => makeIndex([good], tags),
            (tags, olds) => makeIndex([bad], tags, olds),
            (tags, olds) => makeIndex([missing], tags, olds),
        );
    });
});
