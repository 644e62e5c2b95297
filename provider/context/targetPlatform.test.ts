import { targetPlatformMistake } from "./targetPlatform";

const arm = { platform: "linux/arm64", buildPlatform: "linux/arm64" };
const mistake = (lines: string[], options: Partial<Parameters<typeof targetPlatformMistake>[1]> = {}) =>
    targetPlatformMistake(lines.join("\n"), { ...arm, ...options });

test.each<[string, string[], Partial<Parameters<typeof targetPlatformMistake>[1]>, number]>([
    ["the last stage, by a constant", ["# x", "FROM --platform=linux/amd64 debian"], {}, 2],
    ["its architecture alone", ["FROM --platform=amd64 debian"], {}, 1],
    ["the stage it begins with", ["FROM --platform=linux/amd64 debian AS Base", "FROM base"], {}, 1],
    ["the target, which is not the last", ["FROM --platform=linux/amd64 a AS t", "FROM b"], { target: "t" }, 1],
    ["a target by its number", ["FROM --platform=linux/amd64 a", "FROM b"], { target: "0" }, 1],
    ["an argument's default", ["ARG P=linux/amd64", "FROM --platform=$P a"], {}, 2],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the Dockerfile's own
    ["an argument", ["ARG P", "FROM --platform=${P} a"], { args: { P: "linux/amd64" } }, 2],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the Dockerfile's own
    ["a word for an argument without a value", ["ARG P", "FROM --platform=${P:-linux/amd64} a"], {}, 2],
    ["the platform that builds", ["FROM --platform=$BUILDPLATFORM a"], { buildPlatform: "linux/amd64" }, 1],
    ["an instruction over several lines", ["ARG A", "FROM \\", "  --platform=linux/amd64 \\", "  a"], {}, 2],
    ["32 bits for 64", ["FROM --platform=linux/arm/v7 a"], {}, 1],
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

test("a base that BuildKit found to have the wrong architecture counts in the last stage alone", () => {
    const text = 'Base image x was pulled with platform "linux/amd64", expected "linux/arm64" for current build';
    const warnings = [{ rule: "InvalidBaseImagePlatform", line: 1, text }];
    expect(mistake(["FROM x", "RUN y"], { warnings })).toMatch(/^Dockerfile:1: FROM x: .*one for linux\/amd64/);
    expect(mistake(["FROM x AS b", "FROM y", "COPY --from=b a a"], { warnings })).toBeUndefined();
});
