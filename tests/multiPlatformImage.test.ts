import * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../components/architecture";
import type { Settings } from "../components/configuration/settings";
import { declaredImages } from "../components/declaredImages";
import {
    forArchitecture,
    inputsFor,
    MultiPlatformImage,
    type MultiPlatformImageArgs,
} from "../components/multiPlatformImage";
import { RemoteBuilder } from "../components/remoteBuilder/remoteBuilder";
import type { ConnectNode, Runner, RunnerDescription } from "../components/runner/runner";
import { platformMistakes } from "../components/verifiedIndex";
import { digestOf, mockPulumi, type PulumiMocks, resolved, settled } from "./pulumiMocks";

const imageType = "docker-build:index:Image";
const indexType = "docker-build:index:Index";
const verifiedType = "pulumi-nodejs:dynamic:Resource";
const repository = "registry.example:7443/demo/app";

class Machine extends pulumi.CustomResource {
    constructor(platform: Platform, parent: pulumi.Resource) {
        super("test:index:Machine", `machine ${platform}`, {}, { parent });
    }
}

class StubRunner extends pulumi.ComponentResource implements Runner {
    readonly description = pulumi.output<RunnerDescription>({ kind: "local", id: "stub", idleMinutes: 15 });
    readonly node = pulumi.output<ConnectNode>({ kind: "local", serverName: "stub", variables: {} });
    readonly wakeScript = __filename;

    constructor(readonly platform: Platform) {
        super("test:index:StubRunner", platform);
        new Machine(platform, this);
    }
}

let mocks: PulumiMocks;
let builder: RemoteBuilder;
beforeEach(() => begin());
afterEach(settled);

async function begin(options: { preview?: boolean } = {}): Promise<void> {
    mocks = await mockPulumi(options);
    builder = new RemoteBuilder("builder", {
        builder: "demo-dev",
        runners: [new StubRunner("linux/amd64"), new StubRunner("linux/arm64")],
        idleMinutes: 15,
    });
}

const makeImage = (args: Partial<MultiPlatformImageArgs> = {}, name = "app") =>
    new MultiPlatformImage(name, { builder, repository, context: "./app", ...args });

describe("a multi-platform image", () => {
    it("is one image a platform, on that platform's builder, with that platform's tag", async () => {
        makeImage();
        await settled();
        expect(mocks.of(imageType).map(({ name }) => name)).toEqual(["app-amd64", "app-arm64"]);
        for (const suffix of ["amd64", "arm64"]) {
            const { inputs } = mocks.one(imageType, `app-${suffix}`);
            expect(inputs).toMatchObject({
                builder: { name: `demo-dev-${suffix}` },
                platforms: [`linux/${suffix}`],
                tags: [`${repository}:latest-${suffix}`],
                context: { location: "./app" },
                push: true,
                buildOnPreview: false,
                registries: [],
                secrets: {},
                buildArgs: {},
            });
            expect(inputs).not.toHaveProperty("dockerfile");
            expect(inputs).not.toHaveProperty("target");
            expect(inputs).not.toHaveProperty("pull");
            expect(inputs.context).not.toHaveProperty("named");
        }
    });

    it("hangs together: parents, hooks, the runner each image needs, nothing deleted from the registry", async () => {
        makeImage();
        await settled();
        const image = mocks.one(imageType, "app-arm64");
        expect(image).toMatchObject({ parent: "app", retainOnDelete: true });
        expect(image.dependencies).toContain("machine linux/arm64");
        expect(image.dependencies).not.toContain("machine linux/amd64");
        expect(image.hooks).toEqual({
            beforeCreate: ["builder-wake-arm64"],
            beforeUpdate: ["builder-wake-arm64"],
            afterCreate: ["builder-built-arm64"],
            afterUpdate: ["builder-built-arm64"],
        });
        const prepare = { beforeCreate: ["builder-prepare"], beforeUpdate: ["builder-prepare"] };
        expect(mocks.one(indexType, "app")).toMatchObject({ parent: "app", retainOnDelete: true, hooks: prepare });
        expect(mocks.one(verifiedType, "app")).toMatchObject({ parent: "app", hooks: prepare });
        expect(mocks.one(indexType, "app").dependencies.sort()).toEqual(["app-amd64", "app-arm64"]);
        expect(mocks.one(verifiedType, "app").dependencies).toEqual(["app"]);
    });

    it("joins the platforms by digest, and reads back what it pushed", async () => {
        const image = makeImage();
        await settled();
        const sources = ["amd64", "arm64"].map(
            (suffix) => `${repository}:latest-${suffix}@${digestOf(`app-${suffix}`)}`,
        );
        expect(mocks.one(indexType, "app").inputs).toEqual({ tag: `${repository}:latest`, sources, push: true });
        const ref = `${repository}:latest@${digestOf("app")}`;
        expect(mocks.one(verifiedType, "app").inputs).toMatchObject({ ref, platforms: ["linux/amd64", "linux/arm64"] });
        expect(await resolved(image.ref)).toBe(ref);
        expect(await resolved(pulumi.output(image.platformRefs))).toEqual({
            "linux/amd64": sources[0],
            "linux/arm64": sources[1],
        });
    });

    it("with several tags has them all on each platform's image, and an index for each; the first is its ref", async () => {
        const image = makeImage({ tags: ["1.0", "stable"] });
        await settled();
        expect(mocks.one(imageType, "app-arm64").inputs.tags).toEqual([
            `${repository}:1.0-arm64`,
            `${repository}:stable-arm64`,
        ]);
        expect(mocks.of(imageType)).toHaveLength(2);
        expect(mocks.of(indexType).map(({ name, inputs }) => [name, inputs.tag])).toEqual([
            ["app", `${repository}:1.0`],
            ["app:stable", `${repository}:stable`],
        ]);
        expect(mocks.of(verifiedType).map(({ name }) => name)).toEqual(["app", "app:stable"]);
        expect(await resolved(image.ref)).toBe(`${repository}:1.0@${digestOf("app")}`);
    });

    it("takes an empty list of tags for none", async () => {
        makeImage({ tags: [] });
        await settled();
        expect(mocks.one(indexType, "app").inputs.tag).toBe(`${repository}:latest`);
    });

    it("keeps a cache with all stages for each platform in the registry, unless told not to", async () => {
        makeImage();
        makeImage({ cache: "registry" }, "same");
        makeImage({ cache: "none" }, "none");
        await settled();
        const cache = (name: string, suffix: string) => {
            const { cacheFrom, cacheTo } = mocks.one(imageType, `${name}-${suffix}`).inputs;
            return { cacheFrom, cacheTo };
        };
        for (const suffix of ["amd64", "arm64"]) {
            const ref = `${repository}:cache-${suffix}`;
            const [from, to] = [[{ registry: { ref } }], [{ registry: expect.objectContaining({ ref, mode: "max" }) }]];
            expect(cache("app", suffix)).toEqual({ cacheFrom: from, cacheTo: to });
            expect(cache("same", suffix)).toEqual(cache("app", suffix));
            expect(cache("none", suffix)).toEqual({ cacheFrom: undefined, cacheTo: undefined });
        }
    });

    it("logs in to the registry for images, index and check; the password stays secret", async () => {
        const login = { address: "registry.example:7443", username: "ci", password: pulumi.secret("PASSWORD") };
        makeImage({ login });
        await settled();
        const plain = { ...login, password: "PASSWORD" };
        const [image, index, verified] = [
            mocks.one(imageType, "app-amd64"),
            mocks.one(indexType, "app"),
            mocks.one(verifiedType, "app"),
        ];
        expect(image.inputs.registries).toEqual([plain]);
        expect(image.secretInputs).toContain("registries");
        expect(index.inputs.registry).toEqual(plain);
        expect(index.secretInputs).toContain("registry");
        expect(verified.inputs.login).toEqual(plain);
        expect(verified.secretInputs).toContain("login");
        expect(verified.additionalSecretOutputs).toContain("login");
    });

    it("asks for a login when the bases are there, and for the index's when the images are", async () => {
        const base = makeImage({}, "base");
        const asked: string[][] = [];
        const login = (after: pulumi.Output<unknown>[]) =>
            pulumi.all(after).apply((refs) => {
                asked.push(refs.map(String));
                return { address: "registry.example:7443", username: "ci", password: `${refs.length}` };
            });
        const app = makeImage({ login, contexts: { base } }, "app");
        await settled();

        const refs = async (image: MultiPlatformImage) =>
            Promise.all(Object.values(image.platformRefs).map((ref) => resolved(ref as pulumi.Output<string>)));
        const [amd64, arm64] = await refs(base);
        expect(asked.slice(0, 2).sort()).toEqual([[amd64], [arm64]].sort());
        expect(asked.slice(2)).toEqual([await refs(app)]);
        expect(mocks.one(indexType, "app").inputs.registry).toMatchObject({ password: "2" });
    });

    it("passes secrets on, secret in the state, and not as build arguments", async () => {
        makeImage({ secrets: { token: pulumi.secret("TOKEN") }, args: { VERSION: "1" } });
        await settled();
        const image = mocks.one(imageType, "app-arm64");
        expect(image.inputs).toMatchObject({ secrets: { token: "TOKEN" }, buildArgs: { VERSION: "1" } });
        expect(image.secretInputs).toContain("secrets");
        expect(image.secretInputs).not.toContain("buildArgs");
    });

    it("puts the architecture in place of {arch}", async () => {
        makeImage({
            context: "./app/{arch}",
            dockerfile: "./docker/{arch}/{arch}.Dockerfile",
            contexts: { root: "./roots/{arch}" },
        });
        await settled();
        expect(mocks.one(imageType, "app-arm64").inputs).toMatchObject({
            context: { location: "./app/arm64", named: { root: { location: "./roots/arm64" } } },
            dockerfile: { location: "./docker/arm64/arm64.Dockerfile" },
        });
        expect(forArchitecture("{arch}-{arch} {Arch}", "linux/amd64")).toBe("amd64-amd64 {Arch}");
    });

    it("uses another image by the digest of the platform that is built", async () => {
        const base = makeImage({}, "base");
        makeImage({ contexts: { base, debian: "docker-image://debian:13" } });
        await settled();
        for (const suffix of ["amd64", "arm64"]) {
            const app = mocks.one(imageType, `app-${suffix}`);
            expect(app.inputs.context).toMatchObject({
                named: {
                    base: {
                        location: `docker-image://${repository}:latest-${suffix}@${digestOf(`base-${suffix}`)}`,
                    },
                    debian: { location: "docker-image://debian:13" },
                },
            });
            // Not on the index: the application need not wait for the other platform.
            expect(app.dependencies.sort()).toEqual([`base-${suffix}`, `machine linux/${suffix}`]);
        }
    });

    it("refuses a base that is not built for one of its platforms", () => {
        const base = makeImage({ platforms: ["linux/amd64"] }, "base");
        expect(() => makeImage({ contexts: { base } })).toThrow(
            "Context base is an image that is not built for linux/arm64.",
        );
    });

    it("can be for fewer platforms than the builder's", async () => {
        makeImage({ platforms: ["linux/arm64"] });
        await settled();
        expect(mocks.of(imageType).map(({ name }) => name)).toEqual(["app-arm64"]);
        expect(mocks.one(verifiedType, "app").inputs.platforms).toEqual(["linux/arm64"]);
    });

    it("in a preview, when nothing has a digest, goes by tags", async () => {
        await settled();
        await begin({ preview: true });
        const image = makeImage();
        await settled();
        expect(await resolved(pulumi.output(image.platformRefs))).toEqual({
            "linux/amd64": `${repository}:latest-amd64`,
            "linux/arm64": `${repository}:latest-arm64`,
        });
    });
});

describe("overrides of a platform", () => {
    const args = (overrides: MultiPlatformImageArgs["overrides"]): MultiPlatformImageArgs => ({
        builder,
        repository,
        context: "./app",
        dockerfile: "./Dockerfile",
        target: "final",
        args: { A: "1", B: "2" },
        contexts: { x: "./x", y: "./y" },
        overrides,
    });
    const plain = { context: "./app", dockerfile: "./Dockerfile", target: "final" };

    it.each<[string, MultiPlatformImageArgs["overrides"], object]>([
        [
            "none: the image's own inputs",
            undefined,
            { ...plain, args: { A: "1", B: "2" }, contexts: { x: "./x", y: "./y" } },
        ],
        [
            "of another platform do not count",
            { "linux/amd64": { target: "other" } },
            { ...plain, args: { A: "1", B: "2" }, contexts: { x: "./x", y: "./y" } },
        ],
        [
            "replace context, Dockerfile and target",
            { "linux/arm64": { context: "./arm", dockerfile: "./arm/D", target: "t" } },
            {
                ...{ context: "./arm", dockerfile: "./arm/D", target: "t" },
                ...{ args: { A: "1", B: "2" }, contexts: { x: "./x", y: "./y" } },
            },
        ],
        [
            "are merged into arguments and contexts, name by name",
            { "linux/arm64": { args: { B: "3", C: "4" }, contexts: { y: "./z" } } },
            { ...plain, args: { A: "1", B: "3", C: "4" }, contexts: { x: "./x", y: "./z" } },
        ],
    ])("%s", (_what, overrides, expected) => {
        expect(inputsFor("linux/arm64", args(overrides))).toEqual(expected);
    });

    it("reach the platform's image", async () => {
        makeImage(args({ "linux/arm64": { target: "small", args: { B: "3" } } }));
        await settled();
        expect(mocks.one(imageType, "app-arm64").inputs).toMatchObject({
            target: "small",
            buildArgs: { A: "1", B: "3" },
        });
        expect(mocks.one(imageType, "app-amd64").inputs).toMatchObject({
            target: "final",
            buildArgs: { A: "1", B: "2" },
        });
    });
});

describe("an index that was read back", () => {
    const both = ["linux/amd64", "linux/arm64"];
    const manifests = (...platforms: string[]) => ({
        manifests: platforms.map((platform) => {
            const [os = "", architecture = ""] = platform.split("/");
            return { platform: { os, architecture } };
        }),
    });

    it.each<[string, object, string[]]>([
        ["is right", manifests("linux/amd64", "linux/arm64"), []],
        ["is right in any order", manifests("linux/arm64", "linux/amd64"), []],
        ["may have attestations", manifests(...both, "unknown/unknown", "unknown/unknown"), []],
        ["misses one", manifests("linux/amd64"), ["misses linux/arm64"]],
        ["has one too much", manifests(...both, "linux/riscv64"), ["has linux/riscv64 too much"]],
        ["has one twice", manifests(...both, "linux/arm64"), ["has linux/arm64 more than once"]],
        [
            "has another in place of one",
            manifests("linux/amd64", "windows/amd64"),
            ["misses linux/arm64", "has windows/amd64 too much"],
        ],
        [
            "has a manifest without a platform",
            { manifests: [...manifests(...both).manifests, {}] },
            ["has none too much"],
        ],
        ["is empty", { manifests: [] }, ["misses linux/amd64", "misses linux/arm64"]],
        ["is no index but one image", { config: {} }, ["misses linux/amd64", "misses linux/arm64"]],
        ["has nothing but attestations", manifests("unknown/unknown"), ["misses linux/amd64", "misses linux/arm64"]],
    ])("%s", (_what, raw, mistakes) => {
        expect(platformMistakes(raw, both)).toEqual(mistakes);
    });
});

describe("the declared images", () => {
    const buildSecretsOf = (values: { [name: string]: string }) =>
        pulumi.secret(pulumi.output(values)) as Settings["buildSecrets"];

    it("are built each after its bases, which it has by digest under their names, whatever the order they are in", async () => {
        const images = declaredImages(
            {
                images: {
                    app: { context: "./app", bases: ["base"], secrets: ["token"], contexts: { more: "./more" } },
                    base: { context: "./base", tags: ["13"], cache: "none" },
                },
                buildSecrets: buildSecretsOf({ token: "TOKEN", other: "OTHER" }),
            },
            builder,
            { repositoryOf: (image) => pulumi.output(`registry.example/${image}`), cache: "registry" },
        );
        await settled();
        expect(Object.keys(images).sort()).toEqual(["app", "base"]);
        const app = mocks.one(imageType, "app-arm64");
        expect(app.inputs).toMatchObject({
            tags: ["registry.example/app:latest-arm64"],
            context: {
                named: {
                    more: { location: "./more" },
                    base: {
                        location: `docker-image://registry.example/base:13-arm64@${digestOf("base-arm64")}`,
                    },
                },
            },
            secrets: { token: "TOKEN" },
        });
        expect(app.inputs.secrets).toEqual({ token: "TOKEN" });
        expect(app.secretInputs).toContain("secrets");
        expect(app.inputs).toHaveProperty("cacheTo");
        expect(mocks.one(imageType, "base-arm64").inputs).not.toHaveProperty("cacheTo");
    });

    it("keep their cache where the infrastructure says, unless they say so themselves", async () => {
        declaredImages(
            {
                images: { quiet: { context: "." }, own: { context: ".", cache: "registry" } },
                buildSecrets: buildSecretsOf({}),
            },
            builder,
            { repositoryOf: (image) => pulumi.output(`registry.example/${image}`), cache: "none" },
        );
        await settled();
        expect(mocks.one(imageType, "quiet-amd64").inputs).not.toHaveProperty("cacheTo");
        expect(mocks.one(imageType, "own-amd64").inputs).toHaveProperty("cacheTo");
    });

    it("have nothing in common where one is called like another with a tag or an architecture behind", async () => {
        const declared = ["app", "app-x", "app-arm64"];
        declaredImages(
            {
                images: Object.fromEntries(declared.map((name) => [name, { context: ".", tags: ["1", "x", "arm64"] }])),
                buildSecrets: buildSecretsOf({}),
            },
            builder,
            { repositoryOf: (image) => pulumi.output(`registry.example/${image}`), cache: "registry" },
        );
        await settled();
        for (const type of [imageType, indexType, verifiedType]) {
            const names = mocks.of(type).map(({ name }) => name);
            expect([...new Set(names)]).toEqual(names);
        }
        const pushed = [
            ...mocks.of(indexType).map(({ inputs }) => inputs.tag),
            ...mocks
                .of(imageType)
                .flatMap(({ inputs }) => [
                    ...(inputs.tags as string[]),
                    ...(inputs.cacheTo as { registry: { ref: string } }[]).map(({ registry }) => registry.ref),
                ]),
        ];
        expect([...new Set(pushed)]).toEqual(pushed);
        expect(pushed).toHaveLength(declared.length * (3 + 2 * 4));
    });
});
