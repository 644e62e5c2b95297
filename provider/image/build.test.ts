import { spawn } from "node:child_process";
import * as path from "node:path";
import { commandOf, descendants, until } from "../../tests/e2e/processes";
import { Buildkit } from "../../tests/helpers/buildkit";
import { checkout } from "../../tests/helpers/checkout";
import { fromStep } from "../../tests/helpers/stepImage";

jest.setTimeout(120_000);

const buildkit = new Buildkit();
beforeAll(() => buildkit.start());
afterAll(() => buildkit.end());

/** A step that prints a text, with Go's escapes, so many times. */
const prints = (text: string, count = 1, ...more: string[]) =>
    `RUN ${JSON.stringify(["/step", "print", text, String(count), ...more])}`;
const sleeps = 'RUN ["/step", "sleep", "1000"]';

/** The message of a build that fails. */
async function failure(build: Promise<unknown>): Promise<string> {
    return build.then(
        () => "it did not fail",
        (error: Error) => error.message,
    );
}

test("what was pushed, what it took, and the Dockerfile's warnings", async () => {
    const context = buildkit.context("plain", [...fromStep, prints("hello\\n"), "LABEL a b"]);
    const said: string[] = [];
    const first = await buildkit.build({ context }, { onProgress: (text) => said.push(text) });
    expect(await buildkit.run("crane", ["digest", `${buildkit.registry}/app:latest`])).toBe(`${first.digest}\n`);
    expect(first.receipt).toMatchObject({ platform: "linux/amd64", waking: 0, cached: 0, all: 2 });
    expect(first.receipt.sending.bytes).toBeGreaterThan(1_000_000);
    expect(first.receipt.slowest?.name).toMatch(/^\[[12]\/2\] (COPY|RUN) /);
    expect(first.warnings).toMatchObject([{ rule: "LegacyKeyValueFormat", line: 5 }]);
    expect(said).toEqual([
        "[1/2] COPY step-amd64 /step",
        '[2/2] RUN ["/step","print","hello\\n","1"]',
        "exporting to image",
    ]);

    const second = await buildkit.build({ context });
    expect(second.receipt).toMatchObject({ cached: 2, all: 2 });
    expect(second.receipt.slowest).toBeUndefined();
    expect(second.warnings[0]?.key).toBe(first.warnings[0]?.key);
});

test.each([
    ["a line of 190,000 characters", [prints("x", 190_000)], "x".repeat(400)],
    ["a bar of 10,000 frames on one line", [prints("\\r[####      ] 40 % of the files", 10_000)], "[####      ] 40 %"],
    ["a line of 1 MB", [prints("y", 1_000_000)], "yyyy"],
    ["a line of 70 kB, then 30,000 short ones", [prints("z", 70_000), prints("short\\n", 30_000)], "short"],
    ["bytes that are no text", [prints("\\xff\\xfe\\x00\\xc3 end\\n", 100)], "end"],
    ["escapes of a terminal", [prints("\\x1b]0;title\\a\\x1b[31mred\\x1b[0m\\x1b[2J\\x9b1m\\n")], "red"],
])("a build that prints %s", async (_what, steps, last) => {
    const context = buildkit.context("prints", [...fromStep, ...steps]);
    await buildkit.build({ context, noCache: true });

    const failing = buildkit.context("prints", [...fromStep, `${steps.at(-1)?.slice(0, -1)},"fail"]`]);
    const said: string[] = [];
    const message = await failure(
        buildkit.build({ context: failing }, { isInteractive: true, onProgress: (text) => said.push(text) }),
    );
    expect(message).toContain(last);
    expect(message.length).toBeLessThan(6000);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(`${message}${said.join("")}`).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    expect(Math.max(0, ...said.map(({ length }) => length))).toBeLessThan(1000);
});

test("a build that prints 1 GB ends, in bounded memory, and shows little of it", async () => {
    const context = buildkit.context("floods", [...fromStep, prints("0123456789abcdef\\n", 62_500_000)]);
    const said: string[] = [];
    const before = process.memoryUsage().rss;
    let most = before;
    const watch = setInterval(() => {
        most = Math.max(most, process.memoryUsage().rss);
    }, 50);
    const { receipt } = await buildkit
        .build({ context }, { isInteractive: true, onProgress: (text) => said.push(text) })
        .finally(() => clearInterval(watch));
    expect(receipt.slowest?.name).toMatch(/RUN /);
    expect(most - before).toBeLessThan(400e6);
    expect(said.join("").length).toBeLessThan(1e6);
    // Its last line of output, now and then.
    expect(said.some((text) => /RUN .* \d+ s: [0-9a-f]+$/.test(text))).toBe(true);
}, 600_000);

test("a last stage of the platform that builds is refused where the runner emulates, and nowhere else", async () => {
    // The runner of these tests is one for amd64 that builds arm64 as well.
    const stages = ["FROM --platform=$BUILDPLATFORM scratch AS tools", "COPY step-amd64 /step"];
    const last = "FROM --platform=$BUILDPLATFORM tools";
    const context = buildkit.context("build-platform", [...stages, last]);
    const message = await failure(buildkit.build({ context, platform: "linux/arm64" }));
    expect(message).toMatch(
        /^Dockerfile:\d: FROM .*: this makes the image for linux\/arm64 out of one for linux\/amd64/,
    );
    await buildkit.build({ context, platform: "linux/amd64" });
    const cross = buildkit.context("cross-built", [...stages, "FROM scratch", "COPY --from=tools /step /step"]);
    await buildkit.build({ context: cross, platform: "linux/arm64" });
});

test("a base of another architecture is refused, whatever checks the Dockerfile leaves out, which are not shown", async () => {
    const base = `${buildkit.registry}/foreign:1`;
    await buildkit.build({ context: buildkit.context("foreign", fromStep), platform: "linux/arm64", tags: [base] });
    for (const head of [
        ["# check=skip=all"],
        ["# check=skip=all;experimental=all"],
        ["#!/usr/bin/env -S docker buildx build -f", "# check=skip=all"],
        ["# check=skip=InvalidBaseImagePlatform"],
        ["# check=skip=LegacyKeyValueFormat,InvalidBaseImagePlatform"],
    ]) {
        const context = buildkit.context("skips", [...head, `FROM ${base}`, "LABEL a b"]);
        const message = `^Dockerfile:${head.length + 1}: FROM .* the image for linux/amd64 out of one for linux/arm64`;
        expect(await failure(buildkit.build({ context }))).toMatch(new RegExp(message));
        const tools = [...head, `FROM ${base} AS tools`, "FROM scratch", "COPY --from=tools /step /step", "LABEL a b"];
        const { warnings } = await buildkit.build({ context: buildkit.context("skips", tools) });
        expect(warnings.map(({ rule }) => rule)).toEqual(
            head[0] === "# check=skip=InvalidBaseImagePlatform" ? ["LegacyKeyValueFormat"] : [],
        );
    }
    const strict = ["# check=skip=InvalidBaseImagePlatform;error=true", ...fromStep, "LABEL a b"];
    expect(await failure(buildkit.build({ context: buildkit.context("skips", strict) }))).toContain(
        "lint violation found for rules: LegacyKeyValueFormat",
    );
});

describe("a build that fails says why, once:", () => {
    test("the step, its last lines, the Dockerfile's line", async () => {
        const context = buildkit.context("fails", [...fromStep, prints("line\\n", 30, "fail"), "LABEL a=b"]);
        const message = await failure(buildkit.build({ context }));
        expect(message).toContain("    step: failed, as it was told to\n");
        expect(message).toMatch(
            new RegExp(
                [
                    /^\[2\/2\] RUN \["\/step","print","line\\n","30","fail"\] failed after \d+ s: process .* exit code: 1/,
                    / {4}(line|step: .*)(\n {4}(line|step: .*)){9}/,
                    /Dockerfile:4/,
                    /(.*\n){2} +4 \| >>> RUN \["\/step","print","line\\\\n","30","fail"\]\n.*LABEL a=b$/,
                ]
                    .map(({ source }) => source)
                    .join("\n"),
            ),
        );
    });

    test("of a step of many lines its end, the Dockerfile's line and the exit code", async () => {
        const words = Array.from({ length: 80 }, (_, at) => `    "a word like session not found ${at}", \\`);
        const context = buildkit.context("long", [
            ...fromStep,
            'RUN ["/step", \\',
            ...words,
            '    "fail"]',
            "LABEL a=b",
        ]);
        const message = await failure(buildkit.build({ context }));
        expect(message).toMatch(/ failed after \d+ s: process did not complete successfully: exit code: 1\n/);
        expect(message).toMatch(/\nDockerfile:4\n(.*\n)+ +4 \| >>> RUN \["\/step", \\\n(.*\n)+ +85 \| >>> +"fail"\]\n/);
        expect(message).not.toContain("The connection to the runner was lost");
        expect(message.split("\n").length).toBeLessThan(40);
    });

    test("a Dockerfile that is none", async () => {
        const context = buildkit.context("none", ["FROM scratch", "RUNE x"]);
        const message = await failure(buildkit.build({ context }));
        expect(message).toContain("dockerfile parse error on line 2: unknown instruction: RUNE");
        expect(message).toContain(" 2 | >>> RUNE x");
        expect(message.match(/unknown instruction/g)).toHaveLength(1);
    });

    test("a context that is not there", async () => {
        expect(await failure(buildkit.build({ context: "nowhere" }))).toBe(
            'unable to prepare context: path "nowhere" not found',
        );
    });

    test("an argument longer than a program can be given", async () => {
        const context = buildkit.context("plain", fromStep);
        expect(await failure(buildkit.build({ context, args: { LONG: "x".repeat(200_000) } }))).toMatch(
            /^The arguments and secrets of this build are longer than a program can be given: 128 kB each/,
        );
    });

    test("an argument that no program can be given, without showing it", async () => {
        const context = buildkit.context("plain", fromStep);
        const message = await failure(buildkit.build({ context, args: { KEY: "s3cr3t\0" } }));
        expect(message).toMatch(/^The arguments and secrets of this build cannot have NUL bytes/);
        expect(message).not.toContain("s3cr3t");
    });

    test("a builder that is not there", async () => {
        const context = buildkit.context("plain", fromStep);
        expect(await failure(buildkit.build({ context, builder: "nobody" }))).toBe(
            'no builder "nobody" found\nbuildx does not know this builder: its record is gone from this machine.',
        );
    });

    test("a registry that is not there", async () => {
        const context = buildkit.context("plain", fromStep);
        const message = await failure(buildkit.build({ context, tags: ["127.0.0.1:9/app:latest"] }));
        expect(message).toContain("failed to push 127.0.0.1:9/app:latest");
        expect(message).toContain("The runner could not reach the registry");
        expect(message.match(/failed to push/g)).toHaveLength(1);
    });

    test("a base that is not there", async () => {
        const context = buildkit.context("base", [`FROM ${buildkit.registry}/nothing:1`]);
        const message = await failure(buildkit.build({ context }));
        expect(message).toContain(`${buildkit.registry}/nothing:1: not found`);
        expect(message).toContain(`1 | >>> FROM ${buildkit.registry}/nothing:1`);
        expect(message).toContain("A base image cannot be pulled");
    });

    test("buildx, killed", async () => {
        const context = buildkit.context("sleeps", [...fromStep, sleeps]);
        const message = failure(buildkit.build({ context }));
        await until("the step sleeps", () => sleeping() !== undefined);
        const killed = descendants(process.pid).find((pid) => commandOf(pid).includes("--metadata-file"));
        process.kill(killed ?? 0, "SIGKILL");
        expect(await message).toBe(
            "buildx was killed (SIGKILL) before the build had ended; it may have been short of memory.",
        );
        await until("the step ended on the runner", () => sleeping() === undefined);
    });
});

/** The process of a step that sleeps on the runner. */
function sleeping(): number | undefined {
    return descendants(process.pid).find((pid) => commandOf(pid).startsWith("/step sleep"));
}

test("a build that is aborted ends on the runner too", async () => {
    const context = buildkit.context("sleeps", [...fromStep, sleeps]);
    const abort = new AbortController();
    const message = failure(buildkit.build({ context }, {}, { signal: abort.signal }));
    await until("the step sleeps", () => sleeping() !== undefined);
    abort.abort();
    expect(await message).toBe("canceled");
    await until("the step ended on the runner", () => sleeping() === undefined);
    expect(await failure(buildkit.build({ context }, {}, { signal: abort.signal }))).toBe("canceled");
});

test("no build outlives its provider", async () => {
    const context = buildkit.context("sleeps", [...fromStep, sleeps]);
    const program = [
        'require("tsx/cjs");',
        'const { withBuildx } = require("./provider/buildx/buildx");',
        "withBuildx({ logins: [] }, (buildx) => buildx.build(JSON.parse(process.argv[1])));",
    ];
    const request = {
        builder: buildkit.builder,
        platform: "linux/amd64",
        context,
        tags: [`${buildkit.registry}/app:1`],
    };
    const provider = spawn(process.execPath, ["--eval", program.join("\n"), JSON.stringify(request)], {
        cwd: path.resolve(checkout),
        env: buildkit.environment,
        stdio: "inherit",
    });
    await until("the step sleeps", () => sleeping() !== undefined);
    const buildx = descendants(provider.pid ?? 0);
    provider.kill("SIGKILL");
    await until("the step ended on the runner", () => sleeping() === undefined);
    await until("buildx ended", () => buildx.every((pid) => commandOf(pid) === ""));
});
