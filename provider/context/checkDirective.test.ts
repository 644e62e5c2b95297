import { askForPlatformCheck } from "./checkDirective";

const argument = (dockerfile: string, args = {}) =>
    askForPlatformCheck(dockerfile, args).args.BUILDKIT_DOCKERFILE_CHECK;

test.each([
    ["# check=skip=all", "skip=none"],
    ["#check=skip=all;error=true", "skip=none"],
    ["# check=skip=InvalidBaseImagePlatform", "skip=none"],
    [
        "\ufeff# syntax=docker/dockerfile:1\n#CHECK = skip=JSONArgsRecommended,InvalidBaseImagePlatform and why",
        "skip=JSONArgsRecommended",
    ],
    [
        "# escape=`\n# check=error=false;skip=InvalidBaseImagePlatform;experimental=all",
        "error=false;skip=none;experimental=all",
    ],
    ["#!/usr/bin/env -S docker buildx build -f\n# check=skip=all", "skip=none"],
    ["# check=skip=all;experimental=all", "skip=none;experimental=all"],
    ["# check=skip=all;experimental=all;error=false", "skip=none;experimental=all"],
    ["# check=\tskip\t=\tInvalidBaseImagePlatform\t;error=f", "skip=none;error=f"],
    // Of one that is there twice the last counts, but for all checks.
    ["# check=skip=JSONArgsRecommended;skip=InvalidBaseImagePlatform", "skip=none;skip=none"],
    ["# check=skip=all;skip=JSONArgsRecommended", "skip=none;skip=none"],
    ["# check=error=true;error=false;skip=InvalidBaseImagePlatform", "error=true;error=false;skip=none"],
])("a directive that leaves the check out is replaced by one that does not: %j", (directive, expected) => {
    expect(argument(`${directive}\r\nFROM base\n`)).toBe(expected);
});

test.each([
    "FROM base",
    "# check=error=true",
    "# check=skip=JSONArgsRecommended",
    // As an error the check would fail stages that may have another architecture.
    "# check=skip=InvalidBaseImagePlatform;error=true",
    "# check=skip=all;experimental=all;error=true",
    "# a comment, after which there is no directive\n# check=skip=all",
    " # check=skip=all",
    "# x\n#!/bin/sh\n# check=skip=all",
    "# check=skip=InvalidBaseImagePlatform;skip=JSONArgsRecommended",
])("a directive that BuildKit is to read holds: %j", (dockerfile) => {
    expect(askForPlatformCheck(`${dockerfile}\nFROM base\n`).args).toEqual({});
});

test("the user's own argument holds", () => {
    const checks = askForPlatformCheck("# check=skip=all\nFROM base", { BUILDKIT_DOCKERFILE_CHECK: "error=true" });
    expect(checks.args).toEqual({});
    expect(checks.isSkipped("InvalidBaseImagePlatform")).toBe(false);
});

test("what the directive leaves out is not shown", () => {
    const skipped = (dockerfile: string) =>
        ["InvalidBaseImagePlatform", "JSONArgsRecommended", "InvalidDefinitionDescription"].filter(
            askForPlatformCheck(dockerfile).isSkipped,
        );
    // The last is an experimental check, which is told where it is asked for.
    expect(skipped("# check=skip=all")).toEqual(["InvalidBaseImagePlatform", "JSONArgsRecommended"]);
    expect(skipped("# check=skip=InvalidBaseImagePlatform")).toEqual(["InvalidBaseImagePlatform"]);
    expect(skipped("FROM base")).toEqual([]);
});
