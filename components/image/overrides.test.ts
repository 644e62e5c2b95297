import { writeFileSync } from "node:fs";
import { settled } from "../../tests/helpers/pulumiMocks";
import { type BuildInputs, inputsFor } from "./buildInputs";
import { imageBenchForEach, imageType } from "./imageBench";
import type { MultiPlatformImageArgs } from "./multiPlatformImage";

const bench = imageBenchForEach();

describe("overrides of a platform", () => {
    const args = (overrides: MultiPlatformImageArgs["overrides"]): MultiPlatformImageArgs => ({
        builder: bench.builder,
        registry: bench.registry,
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
        writeFileSync("Dockerfile", "FROM base AS final\nFROM base AS small\n");
        bench.makeImage(args({ "linux/arm64": { target: "small", args: { B: "3" } } }));
        await settled();
        expect(bench.mocks.one(imageType, "app-arm64").inputs).toMatchObject({
            target: "small",
            args: { A: "1", B: "3" },
        });
        expect(bench.mocks.one(imageType, "app-amd64").inputs).toMatchObject({
            target: "final",
            args: { A: "1", B: "2" },
        });
    });
});
