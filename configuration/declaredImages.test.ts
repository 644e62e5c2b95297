import * as pulumi from "@pulumi/pulumi";
import { imageBenchForEach, imageType, indexType } from "../components/image/imageBench";
import { digestOf, settled } from "../tests/helpers/pulumiMocks";
import { StubRegistry } from "../tests/helpers/stubRegistry";
import { declaredImages } from "./declaredImages";
import type { Settings } from "./settings";

const bench = imageBenchForEach();

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
            bench.builder,
            new StubRegistry("registry.example"),
        );
        await settled();
        expect(Object.keys(images).sort()).toEqual(["app", "base"]);
        const app = bench.mocks.one(imageType, "app-arm64");
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
        expect(bench.mocks.one(imageType, "base-arm64").inputs.cacheTo).toEqual([]);
    });

    it("keep their cache where the registry says, unless they say so themselves", async () => {
        declaredImages(
            {
                images: { quiet: { context: "." }, own: { context: ".", cache: "registry" } },
                buildSecrets: buildSecretsOf({}),
            },
            bench.builder,
            new StubRegistry("registry.example", { defaultCache: "none" }),
        );
        await settled();
        expect(bench.mocks.one(imageType, "quiet-amd64").inputs.cacheTo).toEqual([]);
        expect(bench.mocks.one(imageType, "own-amd64").inputs.cacheTo).toHaveLength(1);
    });

    it("have nothing in common where one is called like another with a tag or an architecture behind", async () => {
        const declared = ["app", "app-x", "app-arm64"];
        declaredImages(
            {
                images: Object.fromEntries(declared.map((name) => [name, { context: ".", tags: ["1", "x", "arm64"] }])),
                buildSecrets: buildSecretsOf({}),
            },
            bench.builder,
            new StubRegistry("registry.example"),
        );
        await settled();
        for (const type of [imageType, indexType]) {
            const names = bench.mocks.of(type).map(({ name }) => name);
            expect([...new Set(names)]).toEqual(names);
        }
        const pushed = [
            ...bench.mocks.of(indexType).flatMap(({ inputs }) => inputs.tags as string[]),
            ...bench.mocks
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
