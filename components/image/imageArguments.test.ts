import * as pulumi from "@pulumi/pulumi";
import { imageBenchForEach } from "./imageBench";
import type { MultiPlatformImageArgs } from "./multiPlatformImage";

const bench = imageBenchForEach();

/** What a program without types may give. */
type Case = [string, () => { [name: string]: unknown }, RegExp];

describe("an image is refused whose argument", () => {
    it.each<Case>([
        ["is misspelled", () => ({ contex: "app", tag: "1.0" }), /^ {2}- contex: no such key; .*\n {2}- tag: no such/m],
        [
            "is of no platform",
            () => ({ overrides: { arm64: {} } }),
            /overrides\.arm64: no such platform here; use: linux\//,
        ],
        [
            "is misspelled for a platform",
            () => ({ overrides: { "linux/arm64": { stage: "x" } } }),
            /overrides\["linux\/arm64"\]\.stage: no such key/,
        ],
        ["is a text for a flag", () => ({ noCache: "false" }), /noCache: must be true or false, not "false"/],
        ["is a list for names", () => ({ args: ["A=1"] }), /args: must be NAME: value, not \["A=1"\]/],
        ["is a number for a text", () => ({ tags: [1.0] }), /tags\[0\]: must be a text, not 1$/],
        ["is a text for a list", () => ({ ssh: "default" }), /ssh: must be a list of texts, not "default"/],
        ["is no builder", () => ({ builder: undefined }), /builder: must be a RemoteBuilder, not nothing/],
        ["is no registry", () => ({ registry: "r.example" }), /registry: must be a registry, not "r\.example"/],
        ...["context", "dockerfile", "target", "tags", "platforms", "cacheFrom"].map(
            (key): Case => [
                `is an output for ${key}`,
                () => ({ [key]: pulumi.output("text") }),
                new RegExp(`${key}: must be known when the program runs; an output is not`),
            ],
        ),
        [
            "is an output in a list, or for a context",
            () => ({ tags: [pulumi.output("1")], contexts: { base: pulumi.output("./x") } }),
            /contexts\.base: must be known when .*\n {2}- tags\[0\]: must be known when/,
        ],
    ])("%s", (_what, args, mistake) => {
        expect(() => bench.makeImage(args() as Partial<MultiPlatformImageArgs>)).toThrow(mistake);
    });

    it("is a list for secrets, which no message shows", () => {
        const make = () => bench.makeImage({ secrets: ["npm"] as never });
        expect(make).toThrow("secrets: must be ID: value");
        expect(make).not.toThrow(/npm/);
    });
});
