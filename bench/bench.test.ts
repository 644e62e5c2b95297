import { readFileSync, rmSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";
import { barChart, evaluate, markdownTable, median, type Results, textTable } from "./figures";
import { plainCommands } from "./plainBuildx";
import { writeResults } from "./results";

const results: Results = {
    machine: "2 x <CPU> & co",
    date: "2026-11-24T01:02:03.000Z",
    seconds: { upCold: 66.25, buildxCold: 63, upUnchanged: 2.04 },
    ratios: { upVsBuildx: 1.052 },
};

describe("median", () => {
    test.each([
        [[3], 3],
        [[9, 1, 5], 5],
        [[4, 1, 3, 2], 2.5],
        [[10, 9, 100], 10],
    ])("of %j is %d", (values, expected) => {
        expect(median(values)).toBe(expected);
    });

    test("of nothing is an error", () => {
        expect(() => median([])).toThrow("there is no value");
    });

    test("leaves its argument as it is", () => {
        const values = [3, 1, 2];
        median(values);
        expect(values).toEqual([3, 1, 2]);
    });
});

describe("evaluate", () => {
    test("takes the medians, and the ratios of the medians", () => {
        expect(
            evaluate({
                upCold: [110, 90, 100],
                buildxCold: [80, 100, 90],
                upOneLineChange: [20],
                upUnchanged: [2, 3],
                buildxUnchanged: [0.5],
                upBothOneCoreEach: [120],
                upSlowestOneCore: [100],
            }),
        ).toEqual({
            seconds: {
                upCold: 100,
                buildxCold: 90,
                upOneLineChange: 20,
                upUnchanged: 2.5,
                buildxUnchanged: 0.5,
                upBothOneCoreEach: 120,
                upSlowestOneCore: 100,
            },
            ratios: { upVsBuildx: 1.111, unchangedUpVsBuildx: 5, bothVsSlowest: 1.2, oneLineChangeVsCold: 0.2 },
        });
    });

    test("compares both ways of compiling for an emulated platform with compiling natively", () => {
        const measured = { compileNatively: [20, 22, 18], compileWithNativeCompilers: [23], compileEmulated: [200] };
        expect(evaluate(measured).ratios).toEqual({ nativeToolchainVsNative: 1.15, plainEmulationVsNative: 10 });
    });

    test("leaves out what was not measured", () => {
        expect(evaluate({ upCold: [100], buildxCold: [] })).toEqual({ seconds: { upCold: 100 }, ratios: {} });
    });
});

describe("results", () => {
    let folder: string;
    beforeEach(() => {
        folder = temporaryFolder();
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    const written = (...all: Results[]): Results => {
        for (const measured of all) {
            writeResults(folder, measured);
        }
        return JSON.parse(readFileSync(path.join(folder, "latest.json"), "utf8"));
    };
    const part = { machine: results.machine, date: "2026-11-25T00:00:00.000Z", seconds: { upCold: 126 }, ratios: {} };

    test("of a part leave the others' figures, and renew their ratios", () => {
        expect(written(results, part)).toEqual({
            ...part,
            seconds: { ...results.seconds, upCold: 126 },
            ratios: { upVsBuildx: 2 },
        });
        expect(readFileSync(path.join(folder, "latest.svg"), "utf8")).toContain(">126.0 s</text>");
    });

    test("of another machine are by themselves", () => {
        expect(written(results, { ...part, machine: "another" })).toEqual({ ...part, machine: "another" });
    });
});

describe("the tables", () => {
    test("for the terminal: figures stand below each other", () => {
        const lines = textTable(results)
            .split("\n")
            .filter((line) => line.startsWith("p"));
        expect(lines).toHaveLength(3);
        expect(new Set(lines.map((line) => line.indexOf(".", line.length - 5))).size).toBe(1);
        expect(textTable(results)).toContain("2 x <CPU> & co, 2026-11-24\n");
        expect(textTable(results)).toMatch(/^upVsBuildx: .* {2}1\.05$/m);
    });

    test("for docs/figures.md", () => {
        expect(markdownTable(results).split("\n").slice(0, 5)).toEqual([
            "2 x <CPU> & co; 2026-11-24.",
            "",
            "| measured | median |",
            "| --- | ---: |",
            "| pulumi up, nothing cached | 66.3 s |",
        ]);
    });
});

describe("the chart", () => {
    const chart = barChart(results);

    test("has a bar for each measurement, as long as its seconds, and says them", () => {
        const widths = [...chart.matchAll(/<rect .*width="([\d.]+)"/g)].map(([, width]) => Number(width));
        expect(widths).toHaveLength(3);
        expect((widths[1] as number) / (widths[0] as number)).toBeCloseTo(63 / 66.25, 2);
        expect(chart).toContain(">66.3 s</text>");
    });

    test("tells plain buildx from pulumi up", () => {
        expect([...chart.matchAll(/class="(ours|plain)"/g)].map(([, name]) => name)).toEqual(["ours", "plain", "ours"]);
    });

    test("escapes what it is told, and has colours for a dark ground", () => {
        expect(chart).toContain("2 x &lt;CPU&gt; &amp; co");
        expect(chart).toContain("prefers-color-scheme: dark");
    });
});

describe("plain buildx", () => {
    const build = {
        images: {
            app: {
                context: "app",
                bases: ["base"],
                target: "run",
                args: { A: "1", B: "2" },
                overrides: { "linux/arm64": { args: { B: "3" } } },
            },
            base: {
                context: "base/{arch}",
                dockerfile: "base/Dockerfile",
                tags: ["1", "2"],
                cache: "registry" as const,
            },
        },
        wanted: ["app", "base"],
        platforms: ["linux/amd64" as const, "linux/arm64" as const],
        repositoryUrl: "host:1/project",
        builder: "builder",
    };
    const { perPlatform, join } = plainCommands(build);
    const command = (platform: number, image: number) => perPlatform[platform]?.[image]?.join(" ");

    test("builds a base before what is built on it, on the platform's own runner", () => {
        expect(command(0, 0)).toMatch(/^buildx build --builder builder-amd64 --platform linux\/amd64 .* base\/amd64$/);
        expect(command(1, 0)).toMatch(/^buildx build --builder builder-arm64 --platform linux\/arm64 .* base\/arm64$/);
        expect(command(1, 1)).toContain("--build-context base=docker-image://host:1/project/base:1-arm64");
    });

    test("has the same tags and cache as `pulumi up`", () => {
        expect(command(0, 0)).toContain("--tag host:1/project/base:1-amd64 --tag host:1/project/base:2-amd64");
        expect(command(0, 0)).toContain("--cache-to type=registry,ref=host:1/project/base:cache-amd64,mode=max");
        expect(command(0, 1)).not.toContain("--cache-to");
    });

    test("puts a platform's own inputs in place of the image's", () => {
        expect(command(0, 1)).toContain("--target run --build-arg A=1 --build-arg B=2");
        expect(command(1, 1)).toContain("--target run --build-arg A=1 --build-arg B=3");
    });

    test("joins the platforms under every tag", () => {
        expect(join.map((args) => args.slice(3).join(" "))).toEqual([
            "--tag host:1/project/base:1 host:1/project/base:1-amd64 host:1/project/base:1-arm64",
            "--tag host:1/project/base:2 host:1/project/base:2-amd64 host:1/project/base:2-arm64",
            "--tag host:1/project/app:latest host:1/project/app:latest-amd64 host:1/project/app:latest-arm64",
        ]);
    });

    test("builds only what is wanted", () => {
        expect(plainCommands({ ...build, wanted: ["app"] }).perPlatform.map((list) => list.length)).toEqual([1, 1]);
    });
});
