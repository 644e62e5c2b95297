import { mkdirSync, writeFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { digestOf, resolved, settled } from "../../tests/helpers/pulumiMocks";
import { StubRegistry } from "../../tests/helpers/stubRegistry";
import type { Platform } from "../architecture";
import { forArchitecture } from "./buildInputs";
import { imageBenchForEach, imageType, indexType, repository } from "./imageBench";
import type { MultiPlatformImageArgs } from "./multiPlatformImage";

const bench = imageBenchForEach();

describe("a multi-platform image", () => {
    it("is one image a platform, on that platform's builder, with that platform's tag", async () => {
        bench.makeImage();
        await settled();
        expect(bench.mocks.of(imageType).map(({ name }) => name)).toEqual(["app-amd64", "app-arm64"]);
        for (const suffix of ["amd64", "arm64"]) {
            const { inputs } = bench.mocks.one(imageType, `app-${suffix}`);
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
        bench.makeImage();
        await settled();
        const image = bench.mocks.one(imageType, "app-arm64");
        expect(image.parent).toBe("app");
        expect(image.dependencies).toEqual(["machine linux/arm64"]);
        expect(bench.mocks.one(indexType, "app").parent).toBe("app");
        expect(bench.mocks.one(indexType, "app").dependencies.sort()).toEqual(["app-amd64", "app-arm64"]);
    });

    it("joins the platforms by digest", async () => {
        const image = bench.makeImage();
        await settled();
        const sources = ["amd64", "arm64"].map(
            (suffix) => `${repository}:latest-${suffix}@${digestOf(`app-${suffix}`)}`,
        );
        expect(bench.mocks.one(indexType, "app").inputs).toMatchObject({
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
        const image = bench.makeImage({ tags: ["1.0", "stable"] });
        await settled();
        expect(bench.mocks.one(imageType, "app-arm64").inputs.tags).toEqual([
            `${repository}:1.0-arm64`,
            `${repository}:stable-arm64`,
        ]);
        expect(bench.mocks.of(imageType)).toHaveLength(2);
        expect(bench.mocks.of(indexType).map(({ name, inputs }) => [name, inputs.tags])).toEqual([
            ["app", [`${repository}:1.0`, `${repository}:stable`]],
        ]);
        expect(await resolved(image.ref)).toBe(`${repository}:1.0@${digestOf("app")}`);
    });

    it("hands every option of a build to each platform's image", async () => {
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
        bench.makeImage(options);
        await settled();
        for (const suffix of ["amd64", "arm64"]) {
            expect(bench.mocks.one(imageType, `app-${suffix}`).inputs).toMatchObject(options);
        }
    });

    it("asks for the compile cluster of the runners, and wakes all of them for it where that is wanted", async () => {
        bench.makeImage();
        bench.makeImage({ compileCluster: "awake" }, "awake");
        bench.makeImage({ compileCluster: "wake" }, "wake");
        await settled();
        const inputsOf = (name: string) => bench.mocks.one(imageType, `${name}-amd64`).inputs;
        expect(inputsOf("app")).not.toHaveProperty("compileCluster");
        expect(inputsOf("awake")).toMatchObject({ compileCluster: "awake" });
        expect(inputsOf("awake").here).not.toHaveProperty("helpers");
        expect(inputsOf("wake").here).toMatchObject({ helpers: [{ runner: "arm64", builder: "demo-dev-arm64" }] });
    });

    it("takes an empty list of tags for none", async () => {
        bench.makeImage({ tags: [] });
        await settled();
        expect(bench.mocks.one(indexType, "app").inputs.tags).toEqual([`${repository}:latest`]);
    });

    it("keeps a cache with all stages for each platform in the registry, unless told not to", async () => {
        bench.makeImage();
        bench.makeImage({ cache: "registry", repository: "app", tags: ["beside"] }, "team/beside");
        bench.makeImage({ cache: "none" }, "none");
        await settled();
        const cache = (name: string, suffix: string) => {
            const { cacheFrom, cacheTo } = bench.mocks.one(imageType, `${name}-${suffix}`).inputs;
            return { cacheFrom, cacheTo };
        };
        const kept = (tag: string) => {
            const ref = `type=registry,ref=${repository}:${tag}`;
            return { cacheFrom: [ref], cacheTo: [`${ref},mode=max,image-manifest=true,oci-mediatypes=true`] };
        };
        for (const suffix of ["amd64", "arm64"]) {
            expect(cache("app", suffix)).toEqual(kept(`cache-${suffix}`));
            expect(cache("team/beside", suffix)).toEqual(kept(`cache-team-beside-${suffix}`));
            expect(cache("none", suffix)).toEqual({ cacheFrom: [], cacheTo: [] });
        }
    });

    it("reads the cache that others have of the image, and writes only its own", async () => {
        const others = (image: string) => [pulumi.output(`registry.example:7443/other/${image}`)];
        const registry = new StubRegistry("registry.example:7443/mine", { readableRepositoriesOf: others });
        bench.makeImage({ registry });
        bench.makeImage({ registry, cache: "none" }, "uncached");
        await settled();
        const { cacheFrom, cacheTo } = bench.mocks.one(imageType, "app-arm64").inputs;
        expect(cacheFrom).toEqual(
            ["mine", "other"].map((name) => `type=registry,ref=registry.example:7443/${name}/app:cache-arm64`),
        );
        expect(cacheTo).toEqual([
            expect.stringMatching(/^type=registry,ref=registry.example:7443\/mine\/app:cache-arm64,/),
        ]);
        expect(bench.mocks.one(imageType, "uncached-arm64").inputs).toMatchObject({ cacheFrom: [], cacheTo: [] });
    });

    it("takes caches of the user's own besides", async () => {
        bench.makeImage({ cacheFrom: ["type=gha"], cacheTo: ["type=inline"] });
        await settled();
        const { cacheFrom, cacheTo } = bench.mocks.one(imageType, "app-amd64").inputs;
        expect(cacheFrom).toEqual([`type=registry,ref=${repository}:cache-amd64`, "type=gha"]);
        expect(cacheTo).toEqual([expect.stringContaining("mode=max"), "type=inline"]);
    });

    it("keeps the caches of platforms apart that are called by their architecture", async () => {
        const own = ["type=registry,ref=r.example/app:cache-{arch}"];
        bench.makeImage({ cache: "none", cacheFrom: own, cacheTo: own });
        await settled();
        for (const suffix of ["amd64", "arm64"]) {
            const { cacheFrom, cacheTo } = bench.mocks.one(imageType, `app-${suffix}`).inputs;
            const expected = [`type=registry,ref=r.example/app:cache-${suffix}`];
            expect([cacheFrom, cacheTo]).toEqual([expected, expected]);
        }
    });

    it.each([
        ["marked as such", () => pulumi.secret("TOKEN")],
        ["not marked", () => "TOKEN"],
    ])("passes secrets on, %s, secret in the state, and not as build arguments", async (_how, tokenOf) => {
        const token = tokenOf();
        bench.makeImage({ secrets: { token }, args: { VERSION: "1" } });
        await settled();
        const image = bench.mocks.one(imageType, "app-arm64");
        expect(image.inputs).toMatchObject({ secrets: { token: "TOKEN" }, args: { VERSION: "1" } });
        expect(image.secretInputs).toContain("secrets");
        expect(image.secretInputs).not.toContain("args");
    });

    it("puts the architecture in place of {arch}", async () => {
        for (const suffix of ["amd64", "arm64"]) {
            bench.makeContext(`app/${suffix}`, "FROM base");
            mkdirSync(`roots/${suffix}`, { recursive: true });
            mkdirSync(`docker/${suffix}`, { recursive: true });
            writeFileSync(`docker/${suffix}/${suffix}.Dockerfile`, "FROM base");
        }
        bench.makeImage({
            context: "./app/{arch}",
            dockerfile: "./docker/{arch}/{arch}.Dockerfile",
            contexts: { root: "./roots/{arch}" },
        });
        await settled();
        expect(bench.mocks.one(imageType, "app-arm64").inputs).toMatchObject({
            context: "./app/arm64",
            contexts: { root: "./roots/arm64" },
            dockerfile: "./docker/arm64/arm64.Dockerfile",
        });
        expect(forArchitecture("{arch}-{arch} {Arch}", "linux/amd64")).toBe("amd64-amd64 {Arch}");
    });

    it("uses another image by the digest of the platform that is built", async () => {
        const base = bench.makeImage({}, "base");
        bench.makeImage({
            context: bench.withDockerfile("FROM base"),
            contexts: { base, debian: "docker-image://debian:13" },
        });
        await settled();
        for (const suffix of ["amd64", "arm64"]) {
            const app = bench.mocks.one(imageType, `app-${suffix}`);
            expect(app.inputs.contexts).toEqual({
                base: `docker-image://${repository.replace("app", "base")}:latest-${suffix}@${digestOf(`base-${suffix}`)}`,
                debian: "docker-image://debian:13",
            });
            // Not on the other platform's: the application need not wait for it.
            expect(app.dependencies.sort()).toEqual([`base-${suffix}`, `machine linux/${suffix}`]);
        }
    });

    it.each([
        ["its Dockerfile asks for a platform", "FROM --platform=$BUILDPLATFORM base AS tools\nFROM base"],
        ["its Dockerfile does so on a second line", "FROM \\\n  --platform=linux/amd64 base AS tools\nFROM base"],
        ["its Dockerfile is another frontend's", "# syntax=example.com/mine\nFROM base"],
        ["its Dockerfile cannot be read here", undefined],
    ])("uses another image by the digest of every platform where %s", async (_why, text) => {
        const base = bench.makeImage({}, "base");
        const context = text ? bench.withDockerfile(text) : "https://example.com/app.git";
        // Of a repository it is a path in the repository, whatever file the project has by that name.
        bench.makeImage({ context, contexts: { base }, dockerfile: text ? undefined : "app/Dockerfile" });
        await settled();
        const refOf = (suffix: string) =>
            `docker-image://${repository.replace("app", "base")}:latest-${suffix}@${digestOf(`base-${suffix}`)}`;
        const { inputs, dependencies } = bench.mocks.one(imageType, "app-arm64");
        expect(inputs.contexts).toEqual({ base: { "linux/amd64": refOf("amd64"), "linux/arm64": refOf("arm64") } });
        expect(dependencies.sort()).toEqual(["base-amd64", "base-arm64", "machine linux/arm64"]);
    });

    it("tells everything that is wrong with its arguments at once, and declares nothing", async () => {
        const base = bench.makeImage({ platforms: ["linux/amd64"] }, "base");
        const wrong: Partial<MultiPlatformImageArgs> = {
            context: "./gone",
            contexts: { base, ssh: "ssh://git@host/r", typo: undefined as never },
            platforms: ["linux/arm64", "linux/s390x" as Platform],
            tags: ["cache-1", "x-arm64", "1", "1"],
            cache: "both" as never,
            addHosts: ["db:localhost", "db:10.0.0.300"],
            options: ["--push", "-D", "app"],
        };
        expect(() => bench.makeImage(wrong)).toThrow(
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
                '  - addHosts[0]: must be NAME:ADDRESS, as in db.internal:10.0.0.7, not "db:localhost"',
                '  - addHosts: "db:10.0.0.300": 10.0.0.300 is not an IP address; write NAME:ADDRESS',
                '  - options: "--push" is set for every build already; leave it out: images are pushed',
                '  - options: "-D" is set for every build already; call docker buildx by hand',
                '  - options: "app" is not an option; write an option with its value as --NAME=VALUE',
            ].join("\n"),
        );
        await settled();
        expect(bench.mocks.of(imageType).map(({ name }) => name)).toEqual(["base-amd64"]);
    });

    it("tells a single mistake as such", () => {
        expect(() => bench.makeImage({ platforms: [] })).toThrow(
            "Image app has a mistake:\n  - platforms: must name at least one platform; leave the key out for all of them",
        );
    });

    it("can be for fewer platforms than the builder's", async () => {
        bench.makeImage({ platforms: ["linux/arm64"] });
        await settled();
        expect(bench.mocks.of(imageType).map(({ name }) => name)).toEqual(["app-arm64"]);
        expect(bench.mocks.one(indexType, "app").inputs.platforms).toEqual(["linux/arm64"]);
    });
});
