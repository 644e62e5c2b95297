import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { declaredImages } from "../../configuration/declaredImages";
import type { Settings } from "../../configuration/settings";
import { digestOf, mockPulumi, type PulumiMocks, resolved, settled } from "../../tests/helpers/pulumiMocks";
import { StubRegistry } from "../../tests/helpers/stubRegistry";
import type { Platform } from "../architecture";
import { RemoteBuilder } from "../builder/remoteBuilder";
import type { Registry } from "../registry/registry";
import type { ConnectNode, Runner, RunnerDescription } from "../runner/runner";
import { type BuildInputs, forArchitecture, inputsFor } from "./buildInputs";
import { MultiPlatformImage, type MultiPlatformImageArgs } from "./multiPlatformImage";

const imageType = "native-buildx:index:PlatformImage";
const indexType = "native-buildx:index:Index";
const repository = "registry.example:7443/demo/app";

class Machine extends pulumi.CustomResource {
    constructor(platform: Platform, parent: pulumi.Resource) {
        super("test:index:Machine", `machine ${platform}`, {}, { parent });
    }
}

class StubRunner extends pulumi.ComponentResource implements Runner {
    readonly runnerName: string;
    readonly description: pulumi.Output<RunnerDescription>;
    readonly node: pulumi.Output<ConnectNode>;
    readonly wakeScript = __filename;

    constructor(readonly platform: Platform) {
        super("test:index:StubRunner", platform);
        this.runnerName = platform.replace("linux/", "");
        this.description = pulumi.output<RunnerDescription>({ kind: "local", platform, id: "stub", idleMinutes: 15 });
        this.node = pulumi.output<ConnectNode>({ kind: "local", platform, serverName: "stub", variables: {} });
        new Machine(platform, this);
    }
}

let mocks: PulumiMocks;
let builder: RemoteBuilder;
let registry: Registry;
beforeEach(async () => {
    mocks = await mockPulumi();
    registry = new StubRegistry("registry.example:7443/demo");
    builder = new RemoteBuilder("builder", {
        builder: "demo-dev",
        runners: [new StubRunner("linux/amd64"), new StubRunner("linux/arm64")],
    });
});
afterEach(settled);

const project = mkdtempSync(path.join(tmpdir(), "nbx-image-"));
const before = process.cwd();
beforeAll(() => {
    process.chdir(project);
    for (const folder of [".", "app", "base", "arm"]) {
        makeContext(folder, "FROM base");
    }
    for (const folder of ["more", "x", "y"]) {
        mkdirSync(folder);
    }
});
afterAll(() => {
    process.chdir(before);
    rmSync(project, { recursive: true });
});

function makeContext(folder: string, dockerfile: string): void {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, "Dockerfile"), dockerfile);
}

/** A context with this Dockerfile. */
function withDockerfile(text: string): string {
    const folder = mkdtempSync(path.join(project, "own-"));
    makeContext(folder, text);
    return folder;
}

const makeImage = (args: Partial<MultiPlatformImageArgs> = {}, name = "app") =>
    new MultiPlatformImage(name, { builder, registry, repository: "app", context: "./app", ...args });

describe("a multi-platform image", () => {
    it("is one image a platform, on that platform's builder, with that platform's tag", async () => {
        makeImage();
        await settled();
        expect(mocks.of(imageType).map(({ name }) => name)).toEqual(["app-amd64", "app-arm64"]);
        for (const suffix of ["amd64", "arm64"]) {
            const { inputs } = mocks.one(imageType, `app-${suffix}`);
            expect(inputs).toMatchObject({
                builder: `demo-dev-${suffix}`,
                platform: `linux/${suffix}`,
                tags: [`${repository}:latest-${suffix}`],
                context: "./app",
                args: {},
                contexts: {},
                secrets: {},
            });
            for (const property of ["dockerfile", "target", "ssh", "provenance", "trigger", "options"]) {
                expect(inputs).not.toHaveProperty(property);
            }
        }
    });

    it("hangs together: parents, and the runner each image needs", async () => {
        makeImage();
        await settled();
        const image = mocks.one(imageType, "app-arm64");
        expect(image.parent).toBe("app");
        expect(image.dependencies).toEqual(["machine linux/arm64"]);
        expect(mocks.one(indexType, "app").parent).toBe("app");
        expect(mocks.one(indexType, "app").dependencies.sort()).toEqual(["app-amd64", "app-arm64"]);
    });

    it("joins the platforms by digest", async () => {
        const image = makeImage();
        await settled();
        const sources = ["amd64", "arm64"].map(
            (suffix) => `${repository}:latest-${suffix}@${digestOf(`app-${suffix}`)}`,
        );
        expect(mocks.one(indexType, "app").inputs).toMatchObject({
            tags: [`${repository}:latest`],
            sources,
            platforms: ["linux/amd64", "linux/arm64"],
        });
        expect(await resolved(image.ref)).toBe(`${repository}:latest@${digestOf("app")}`);
        expect(await resolved(pulumi.output(image.platformRefs))).toEqual({
            "linux/amd64": sources[0],
            "linux/arm64": sources[1],
        });
    });

    it("with several tags has them all on each platform's image, and on one index; the first is its ref", async () => {
        const image = makeImage({ tags: ["1.0", "stable"] });
        await settled();
        expect(mocks.one(imageType, "app-arm64").inputs.tags).toEqual([
            `${repository}:1.0-arm64`,
            `${repository}:stable-arm64`,
        ]);
        expect(mocks.of(imageType)).toHaveLength(2);
        expect(mocks.of(indexType).map(({ name, inputs }) => [name, inputs.tags])).toEqual([
            ["app", [`${repository}:1.0`, `${repository}:stable`]],
        ]);
        expect(await resolved(image.ref)).toBe(`${repository}:1.0@${digestOf("app")}`);
    });

    it("hands every option of a build to each platform's image, annotations to the index too", async () => {
        const options: Partial<MultiPlatformImageArgs> = {
            ...{ ssh: ["default"], labels: { a: "1" }, annotations: { b: "2" }, sourceLabels: true, sbom: true },
            ...{
                provenance: "max",
                network: "none",
                shmSize: "128m",
                ulimits: ["nofile=1:2"],
                addHosts: ["h:1.2.3.4"],
            },
            ...{ noCache: true, trigger: "week 48", options: ["--allow=device"] },
        };
        makeImage(options);
        await settled();
        for (const suffix of ["amd64", "arm64"]) {
            expect(mocks.one(imageType, `app-${suffix}`).inputs).toMatchObject(options);
        }
        expect(mocks.one(indexType, "app").inputs.annotations).toEqual({ b: "2" });
    });

    it("takes an empty list of tags for none", async () => {
        makeImage({ tags: [] });
        await settled();
        expect(mocks.one(indexType, "app").inputs.tags).toEqual([`${repository}:latest`]);
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
            const ref = `type=registry,ref=${repository}:cache-${suffix}`;
            const to = `${ref},mode=max,image-manifest=true,oci-mediatypes=true`;
            expect(cache("app", suffix)).toEqual({ cacheFrom: [ref], cacheTo: [to] });
            expect(cache("same", suffix)).toEqual(cache("app", suffix));
            expect(cache("none", suffix)).toEqual({ cacheFrom: [], cacheTo: [] });
        }
    });

    it("takes caches of the user's own besides", async () => {
        makeImage({ cacheFrom: ["type=gha"], cacheTo: ["type=inline"] });
        await settled();
        const { cacheFrom, cacheTo } = mocks.one(imageType, "app-amd64").inputs;
        expect(cacheFrom).toEqual([`type=registry,ref=${repository}:cache-amd64`, "type=gha"]);
        expect(cacheTo).toEqual([expect.stringContaining("mode=max"), "type=inline"]);
    });

    it("logs in to the registry for images and index, in secret", async () => {
        const login = { address: "registry.example:7443", username: "ci", password: "PASSWORD" };
        makeImage({ registry: new StubRegistry("r.example/x", { login: () => pulumi.secret(login) }) });
        await settled();
        for (const resource of [mocks.one(imageType, "app-amd64"), mocks.one(indexType, "app")]) {
            expect(resource.inputs.here).toMatchObject({ login });
            expect(resource.secretInputs).toContain("here");
        }
    });

    it("asks for a login when the bases are there, and for the index's when the images are", async () => {
        const base = makeImage({}, "base");
        const asked: string[][] = [];
        const login = (after: pulumi.Output<unknown>[]) =>
            pulumi.all(after).apply((refs) => {
                asked.push(refs.map(String));
                return { address: "registry.example:7443", username: "ci", password: `${refs.length}` };
            });
        const app = makeImage({ registry: new StubRegistry("r.example/x", { login }), contexts: { base } }, "app");
        await settled();

        const refs = async (image: MultiPlatformImage) =>
            Promise.all(Object.values(image.platformRefs).map((ref) => resolved(ref as pulumi.Output<string>)));
        const [amd64, arm64] = await refs(base);
        expect(asked.slice(0, 2).sort()).toEqual([[amd64], [arm64]].sort());
        expect(asked.slice(2)).toEqual([await refs(app)]);
        expect(mocks.one(indexType, "app").inputs.here).toMatchObject({ login: { password: "2" } });
    });

    it("passes secrets on, secret in the state, and not as build arguments", async () => {
        makeImage({ secrets: { token: pulumi.secret("TOKEN") }, args: { VERSION: "1" } });
        await settled();
        const image = mocks.one(imageType, "app-arm64");
        expect(image.inputs).toMatchObject({ secrets: { token: "TOKEN" }, args: { VERSION: "1" } });
        expect(image.secretInputs).toContain("secrets");
        expect(image.secretInputs).not.toContain("args");
    });

    it("puts the architecture in place of {arch}", async () => {
        for (const suffix of ["amd64", "arm64"]) {
            makeContext(`app/${suffix}`, "FROM base");
            mkdirSync(`roots/${suffix}`, { recursive: true });
            mkdirSync(`docker/${suffix}`, { recursive: true });
            writeFileSync(`docker/${suffix}/${suffix}.Dockerfile`, "FROM base");
        }
        makeImage({
            context: "./app/{arch}",
            dockerfile: "./docker/{arch}/{arch}.Dockerfile",
            contexts: { root: "./roots/{arch}" },
        });
        await settled();
        expect(mocks.one(imageType, "app-arm64").inputs).toMatchObject({
            context: "./app/arm64",
            contexts: { root: "./roots/arm64" },
            dockerfile: "./docker/arm64/arm64.Dockerfile",
        });
        expect(forArchitecture("{arch}-{arch} {Arch}", "linux/amd64")).toBe("amd64-amd64 {Arch}");
    });

    it("uses another image by the digest of the platform that is built", async () => {
        const base = makeImage({}, "base");
        makeImage({ context: withDockerfile("FROM base"), contexts: { base, debian: "docker-image://debian:13" } });
        await settled();
        for (const suffix of ["amd64", "arm64"]) {
            const app = mocks.one(imageType, `app-${suffix}`);
            expect(app.inputs.contexts).toEqual({
                base: `docker-image://${repository}:latest-${suffix}@${digestOf(`base-${suffix}`)}`,
                debian: "docker-image://debian:13",
            });
            // Not on the other platform's: the application need not wait for it.
            expect(app.dependencies.sort()).toEqual([`base-${suffix}`, `machine linux/${suffix}`]);
        }
    });

    it.each([
        ["its Dockerfile asks for a platform", "FROM --platform=$BUILDPLATFORM base AS tools\nFROM base"],
        ["its Dockerfile cannot be read here", undefined],
    ])("uses another image by the digest of every platform where %s", async (_why, dockerfile) => {
        const base = makeImage({}, "base");
        const context = dockerfile ? withDockerfile(dockerfile) : "https://example.com/app.git";
        makeImage({ context, contexts: { base } });
        await settled();
        const refOf = (suffix: string) => `docker-image://${repository}:latest-${suffix}@${digestOf(`base-${suffix}`)}`;
        const { inputs, dependencies } = mocks.one(imageType, "app-arm64");
        expect(inputs.contexts).toEqual({ base: { "linux/amd64": refOf("amd64"), "linux/arm64": refOf("arm64") } });
        expect(dependencies.sort()).toEqual(["base-amd64", "base-arm64", "machine linux/arm64"]);
    });

    it("tells everything that is wrong with its arguments at once, and declares nothing", async () => {
        const base = makeImage({ platforms: ["linux/amd64"] }, "base");
        const wrong: Partial<MultiPlatformImageArgs> = {
            context: "./gone",
            contexts: { base, ssh: "ssh://git@host/r", typo: undefined as never },
            platforms: ["linux/arm64", "linux/s390x" as Platform],
            tags: ["cache-1", "x-arm64", "1", "1"],
            cache: "both" as never,
            addHosts: ["db:localhost"],
            options: ["--push", "-D", "app"],
        };
        expect(() => makeImage(wrong)).toThrow(
            [
                "Image app has mistakes:",
                "  - context: folder ./gone does not exist; create it or correct the path",
                "  - contexts.base: is not built for linux/arm64; add that to its platforms",
                "  - contexts.ssh: git repository ssh://***@host/r: as a named context BuildKit takes " +
                    "https://HOST/PATH.git, git@HOST:PATH and git://HOST/PATH only, in small letters",
                "  - contexts.typo: must be a folder, a URL, docker-image://REF or another image, not nothing",
                '  - platforms: "linux/s390x" is not in the platforms of builder demo-dev; add it there or remove it here',
                '  - tags: "cache-1" is kept for build caches, which expire, as is all that begins with "cache-"; choose another',
                `  - tags: "x-arm64" is kept for a platform's image, which gets "-arm64" by itself; leave that out`,
                '  - tags: "1" is there twice; take one out',
                '  - cache: must be "registry" or "none", not "both"',
                '  - addHosts: "db:localhost": localhost is no IP address; write NAME:ADDRESS',
                '  - options: "--push" is set for every build already; leave it out: images are pushed',
                '  - options: "-D" is set for every build already; call docker buildx by hand',
                '  - options: "app" is no option; write an option with its value as --NAME=VALUE',
            ].join("\n"),
        );
        await settled();
        expect(mocks.of(imageType).map(({ name }) => name)).toEqual(["base-amd64"]);
    });

    it("tells a single mistake as such", () => {
        expect(() => makeImage({ platforms: [] })).toThrow(
            "Image app has a mistake:\n  - platforms: must name at least one platform; leave the key out for all of them",
        );
    });

    it("can be for fewer platforms than the builder's", async () => {
        makeImage({ platforms: ["linux/arm64"] });
        await settled();
        expect(mocks.of(imageType).map(({ name }) => name)).toEqual(["app-arm64"]);
        expect(mocks.one(indexType, "app").inputs.platforms).toEqual(["linux/arm64"]);
    });
});

describe("overrides of a platform", () => {
    const args = (overrides: MultiPlatformImageArgs["overrides"]): MultiPlatformImageArgs => ({
        builder,
        registry,
        context: "./app",
        dockerfile: "./Dockerfile",
        target: "final",
        args: { A: "1", B: "2" },
        contexts: { x: "./x", y: "./y" },
        overrides,
    });
    const plain: BuildInputs = { context: "./app", dockerfile: "./Dockerfile", target: "final" };

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
            args: { A: "1", B: "3" },
        });
        expect(mocks.one(imageType, "app-amd64").inputs).toMatchObject({
            target: "final",
            args: { A: "1", B: "2" },
        });
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
            new StubRegistry("registry.example"),
        );
        await settled();
        expect(Object.keys(images).sort()).toEqual(["app", "base"]);
        const app = mocks.one(imageType, "app-arm64");
        expect(app.inputs).toMatchObject({
            tags: ["registry.example/app:latest-arm64"],
            contexts: {
                more: "./more",
                base: `docker-image://registry.example/base:13-arm64@${digestOf("base-arm64")}`,
            },
            secrets: { token: "TOKEN" },
        });
        expect(app.inputs.secrets).toEqual({ token: "TOKEN" });
        expect(app.secretInputs).toContain("secrets");
        expect(app.inputs.cacheTo).toHaveLength(1);
        expect(mocks.one(imageType, "base-arm64").inputs.cacheTo).toEqual([]);
    });

    it("keep their cache where the registry says, unless they say so themselves", async () => {
        declaredImages(
            {
                images: { quiet: { context: "." }, own: { context: ".", cache: "registry" } },
                buildSecrets: buildSecretsOf({}),
            },
            builder,
            new StubRegistry("registry.example", { defaultCache: "none" }),
        );
        await settled();
        expect(mocks.one(imageType, "quiet-amd64").inputs.cacheTo).toEqual([]);
        expect(mocks.one(imageType, "own-amd64").inputs.cacheTo).toHaveLength(1);
    });

    it("have nothing in common where one is called like another with a tag or an architecture behind", async () => {
        const declared = ["app", "app-x", "app-arm64"];
        declaredImages(
            {
                images: Object.fromEntries(declared.map((name) => [name, { context: ".", tags: ["1", "x", "arm64"] }])),
                buildSecrets: buildSecretsOf({}),
            },
            builder,
            new StubRegistry("registry.example"),
        );
        await settled();
        for (const type of [imageType, indexType]) {
            const names = mocks.of(type).map(({ name }) => name);
            expect([...new Set(names)]).toEqual(names);
        }
        const pushed = [
            ...mocks.of(indexType).flatMap(({ inputs }) => inputs.tags as string[]),
            ...mocks
                .of(imageType)
                .flatMap(({ inputs }) => [
                    ...(inputs.tags as string[]),
                    ...(inputs.cacheFrom as string[]).map((cache) => cache.replace(/^.*ref=/, "")),
                ]),
        ];
        expect([...new Set(pushed)]).toEqual(pushed);
        expect(pushed).toHaveLength(declared.length * (3 + 2 * 4));
    });
});
