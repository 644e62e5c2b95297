import { Buildkit } from "../../tests/helpers/buildkit";
import { fromStep } from "../../tests/helpers/stepImage";
import type { Connections } from "../buildx/connectScript";
import type { Work } from "../resource";
import { type ImageIndexInputs, type ImageIndexOutputs, ImageIndexResource } from "./imageIndex";

jest.setTimeout(120_000);

const buildkit = new Buildkit();
const environment = process.env;
beforeAll(async () => {
    await buildkit.start();
    process.env = { ...environment, ...buildkit.environment };
});
afterAll(() => {
    process.env = environment;
    return buildkit.end();
});

const work: Work = { urn: "u", signal: new AbortController().signal, status: () => undefined, log: () => undefined };
const resource = new ImageIndexResource({ prepare: async () => undefined } as unknown as Connections);

test("an index that is not what was declared has no tag that another had before it", async () => {
    const tags = ["latest", "1.0"].map((tag) => `${buildkit.registry}/index:${tag}`);
    const context = buildkit.context("index", fromStep);
    const source = async (platform: string) => {
        const tag = `${buildkit.registry}/index:${platform.replace("/", "-")}`;
        return `${tag}@${(await buildkit.build({ context, platform, tags: [tag] })).digest}`;
    };
    const inputs: ImageIndexInputs = {
        ...{ builder: buildkit.builder, tags: tags.slice(0, 1), sources: [await source("linux/amd64")] },
        ...{ platforms: ["linux/amd64"], here: { connect: "", project: buildkit.folder, buildsPerRunner: 1 } },
    };
    const make = async (olds?: ImageIndexOutputs, changes: Partial<ImageIndexInputs> = {}) => {
        const checked = await resource.check({ ...inputs, ...changes }, work);
        return olds ? resource.update(checked, work, olds) : (await resource.create(checked, work)).outputs;
    };
    const before = await make();
    const changes = { tags, sources: [await source("linux/arm64")] };
    await expect(make(before, changes)).rejects.toThrow("lacks linux/amd64");
    const digest = (tag = "") => buildkit.run("crane", ["digest", tag]);
    expect((await digest(tags[0])).trim()).toBe(before.digest);
    expect((await digest(tags[1])).trim()).not.toBe(before.digest);
    expect(await resource.read(before)).toEqual(before);
});
