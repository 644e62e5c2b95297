// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the Dockerfile's own

import { contextImagesOfTarget, targetPlatformMistake } from "./targetPlatform";

const arm = { platform: "linux/arm64", buildPlatform: "linux/arm64" };
const mistake = (lines: string[], options: Partial<Parameters<typeof targetPlatformMistake>[1]> = {}) =>
    targetPlatformMistake(lines.join("\n"), { ...arm, ...options });

test.each<[string, string[], Partial<Parameters<typeof targetPlatformMistake>[1]>, number]>([
    ["the last stage, by a constant", ["# x", "FROM --platform=linux/amd64 debian"], {}, 2],
    ["its architecture alone", ["FROM --platform=amd64 debian"], {}, 1],
    ["the stage it begins with", ["FROM --platform=linux/amd64 debian AS Base", "FROM base"], {}, 1],
    ["the target, which is not the last", ["FROM --platform=linux/amd64 a AS t", "FROM b"], { target: "t" }, 1],
    ["the target, in capitals", ["FROM --platform=linux/amd64 a AS t", "FROM b"], { target: "T" }, 1],
    ["an argument's default", ["ARG P=linux/amd64", "FROM --platform=$P a"], {}, 2],
    ["an argument", ["ARG P", "FROM --platform=${P} a"], { args: { P: "linux/amd64" } }, 2],
    ["a word for an argument without a value", ["ARG P", "FROM --platform=${P:-linux/amd64} a"], {}, 2],
    ["the platform that builds", ["FROM --platform=$BUILDPLATFORM a"], { buildPlatform: "linux/amd64" }, 1],
    ["an instruction over several lines", ["ARG A", "FROM \\", "  --platform=linux/amd64 \\", "  a"], {}, 2],
    ["32 bits for 64", ["FROM --platform=linux/arm/v7 a"], {}, 1],
    ["a word in a word", ["ARG P", "FROM --platform=${P:-${Q:-linux/amd64}} a"], {}, 2],
    [
        "an argument in place of the target's",
        ["FROM --platform=linux/$TARGETARCH a"],
        { args: { TARGETARCH: "amd64" } },
        1,
    ],
    ["a stage of the target's name", ["FROM --platform=amd64 a AS pre-t", "FROM pre-$TARGETSTAGE AS t"], {}, 1],
    ["the system alone, which is the machine's", ["FROM --platform=linux a"], { buildPlatform: "linux/amd64" }, 1],
    [
        "a FROM before a heredoc with a FROM",
        ["FROM --platform=linux/amd64 debian", "RUN sqlite3 x << EOF", "SELECT 1", "FROM t;", "EOF"],
        {},
        1,
    ],
    ["another escape character", ["# escape=`", "FROM `", "  --platform=linux/amd64 a"], {}, 2],
])("a mistake: %s", (_what, lines, options, line) => {
    expect(mistake(lines, options)).toMatch(
        new RegExp(`^Dockerfile:${line}: FROM .*linux/arm64 out of one for (linux/)?(amd64|arm/v7)`),
    );
});

test.each<[string, string[], Partial<Parameters<typeof targetPlatformMistake>[1]>]>([
    ["no platform is asked for", ["FROM debian"], {}],
    ["the right one", ["FROM --platform=linux/arm64/v8 debian"], {}],
    ["the right one by its other name", ["FROM --platform=linux/aarch64 debian"], {}],
    ["another variant", ["FROM --platform=linux/arm/v6 debian"], { platform: "linux/arm/v7" }],
    ["the target's", ["FROM --platform=$TARGETPLATFORM debian"], { buildPlatform: "linux/amd64" }],
    ["the target's, declared", ["ARG TARGETPLATFORM", "FROM --platform=$TARGETPLATFORM debian"], {}],
    ["the target's, or an error", ["FROM --platform=${TARGETPLATFORM:?} debian"], { buildPlatform: "linux/amd64" }],
    ["the target's, as a word", ["ARG P", "FROM --platform=${P:-${TARGETPLATFORM}} debian"], {}],
    ["an operator that is not known here", ["ARG P=x-linux/arm64", "FROM --platform=${P#x-} debian"], {}],
    ["one in a default", ["ARG P=x", "ARG Q=${P#x}", "FROM --platform=${Q:-linux/amd64} debian"], {}],
    ["the system alone, which is the machine's", ["FROM --platform=linux debian"], {}],
    [
        "a last stage that << in a string would hide",
        ["FROM --platform=$BUILDPLATFORM a AS b", 'RUN ["x", "int main(){ std::cout <<x; }\\n"]', "FROM scratch"],
        { buildPlatform: "linux/amd64" },
    ],
    ["the target's parts", ["FROM --platform=$TARGETOS/$TARGETARCH debian"], {}],
    [
        "a stage that files are copied from",
        ["FROM --platform=$BUILDPLATFORM go AS build", "FROM debian", "COPY --from=build /x /x"],
        { buildPlatform: "linux/amd64" },
    ],
    ["a stage that is not the target", ["FROM a AS t", "FROM --platform=linux/amd64 b"], { target: "t" }],
    ["an empty image", ["FROM --platform=linux/amd64 scratch", "COPY x x"], {}],
    ["a FROM in a heredoc", ["FROM debian", "RUN <<EOF", "FROM --platform=linux/amd64 x", "EOF"], {}],
    ["a comment", ["FROM debian", "# FROM --platform=linux/amd64 x"], {}],
    ["no Dockerfile at all", ["\0\x01 {"], {}],
])("no mistake: %s", (_what, lines, options) => {
    expect(mistake(lines, options)).toBeUndefined();
});

describe("a named context", () => {
    const [amd64, index] = ["docker-image://r/amd64", "docker-image://r/index"];
    const arm64 = "docker-image://r/arm64";
    const layout = "oci-layout://./layout:1";
    const imagePlatforms = {
        ...{ "r/amd64": "linux/amd64", "r/arm64": "linux/arm64", "r/index": "index" },
        [layout]: "linux/amd64",
    };
    const stage = ["FROM --platform=linux/amd64 x AS base", "FROM base"];

    test.each<[string, string[], { [name: string]: string }, string]>([
        [
            "that is an image of another platform",
            ["FROM debian"],
            { debian: amd64 },
            "1: FROM debian: .*Context debian is",
        ],
        ["by its long name", ["FROM docker.io/library/debian:latest"], { debian: amd64 }, "1: FROM docker"],
        ["that is a layout", ["FROM debian"], { debian: layout }, "1: FROM debian: .*Context debian is"],
        ["with a tag", ["FROM debian:13"], { "docker.io/library/debian:13": amd64 }, "1: FROM debian"],
        ["of the stage it begins with", ["FROM debian AS b", "FROM b"], { debian: amd64 }, "1: FROM debian"],
        ["asked for by the right platform", ["FROM --platform=linux/arm64 debian"], { debian: amd64 }, "1: FROM"],
        ["in place of a stage", ["FROM x AS base", "FROM base"], { base: amd64 }, "1: FROM x AS base: .*Context base"],
        ["of several platforms in place of a stage", stage, { base: index }, "1: FROM --platform.*Use --platform only"],
        ["of several platforms", ["FROM --platform=linux/amd64 debian"], { debian: index }, "1: FROM .*Use --platform"],
    ])("makes a mistake: %s", (_what, lines, contexts, message) => {
        expect(mistake(lines, { contexts, imagePlatforms })).toMatch(new RegExp(`^Dockerfile:${message}`));
    });

    test.each<[string, string[], { [name: string]: string }]>([
        ["that is an image of the right platform", ["FROM debian"], { debian: arm64 }],
        ["of several platforms", ["FROM debian"], { debian: index }],
        ["that is not known", ["FROM debian"], { debian: "docker-image://r/unknown" }],
        ["that is a layout that is not known", ["FROM debian"], { debian: "oci-layout://other" }],
        ["of another tag", ["FROM debian:13"], { debian: amd64 }],
        ["that files are copied from", ["FROM debian", "COPY --from=tools a a"], { tools: amd64 }],
        ["in place of a stage", stage, { base: arm64 }],
        ["that is not known in place of a stage", stage, { base: "docker-image://r/unknown" }],
        ["that is a folder in place of a stage", stage, { base: "./root" }],
        ["that is empty", ["FROM --platform=linux/amd64 x AS base", "FROM base"], { base: "docker-image://scratch" }],
        ["by a name that BuildKit keeps", ["FROM scratch"], { scratch: amd64 }],
    ])("makes none: %s", (_what, lines, contexts) => {
        expect(mistake(lines, { contexts, imagePlatforms })).toBeUndefined();
    });

    test("is looked at where the target is built on it", () => {
        const lines = ["FROM a AS x", "FROM b AS y", "FROM x", "COPY --from=y / /"];
        const contexts = { a: amd64, b: arm64, c: index };
        expect(contextImagesOfTarget(lines.join("\n"), { ...arm, contexts })).toEqual(["r/amd64"]);
        expect(contextImagesOfTarget("FROM a", { ...arm, contexts: { a: layout } })).toEqual([layout]);
    });
});

test("a base that BuildKit found to have the wrong architecture counts in the last stage alone", () => {
    const text = 'Base image x was pulled with platform "linux/amd64", expected "linux/arm64" for current build';
    const warnings = [{ rule: "InvalidBaseImagePlatform", line: 1, text }];
    expect(mistake(["FROM x", "RUN y"], { warnings })).toMatch(/^Dockerfile:1: FROM x: .*one for linux\/amd64/);
    expect(mistake(["FROM x AS b", "FROM y", "COPY --from=b a a"], { warnings })).toBeUndefined();
});
