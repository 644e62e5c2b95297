import { readFileSync } from "node:fs";
import * as path from "node:path";
import { pricesOf } from "../components/runner/ec2/prices";
import { renewedFigures } from "../tools/benchTable";
import { emulationChart, emulationTables, split } from "./emulationFigures";
import type { Results } from "./figures";

const results: Results = {
    machine: "2 x CPU",
    date: "2026-11-26T00:00:00.000Z",
    seconds: {
        compileNatively: 20,
        compileCross: 21,
        compileWithNativeCompilers: 22,
        compileEmulated: 200,
        compileCxxNatively: 30,
        compileCxxCross: 33,
        compileCxxWithNativeCompilers: 36,
        compileCxxEmulated: 360,
        encodeX264: 2,
        encodeX265: 10,
        processesWithNativeCompilers: 8.4,
        processesEmulated: 8,
        stepsWithNativeCompilers: 4.4,
        stepsEmulated: 4,
    },
    ratios: {},
};

describe("the figures of emulation", () => {
    it("are those of that part, once all of it was measured", () => {
        const all = { ...results, seconds: { upCold: 66, ...results.seconds } };
        const { emulation, others } = split(all);
        expect(emulation).toEqual({
            ...results,
            ratios: expect.objectContaining({ nativeToolchainVsNative: 1.1, plainEmulationVsNativeCxx: 12 }),
        });
        expect(others).toEqual({ ...results, seconds: { upCold: 66 }, ratios: {} });
        expect(split({ ...results, seconds: { compileNatively: 20 } })).toEqual({});
    });

    it("are a row for each library, with how many times as long it takes", () => {
        expect(emulationTables(results)).toContain(
            "| x264, C | 20.0 s | 21.0 s (1.05 x) | 22.0 s (1.10 x) | 200.0 s (10.00 x) |",
        );
        expect(emulationTables(results)).toContain(
            "| 30.0 s | 33.0 s (1.10 x) | 36.0 s (1.20 x) | 360.0 s (12.00 x) |",
        );
    });

    it("say what a process and a step cost that has nothing to compile", () => {
        expect(emulationTables(results)).toContain(
            "takes 21.0 ms and 20.0 ms, a step with such a process 220.0 ms and",
        );
    });

    it("reckon speed and price of encoding for an instance of four processors", () => {
        const hour = pricesOf("us-east-1").instanceHour?.["c7i.xlarge"] ?? 0;
        // 100 frames a second here, 200 there: an hour of 25 frames a second takes an eighth of one.
        const price = (hour / 8).toFixed(4);
        expect(emulationTables(results)).toContain(`| 100.0 frames/s | 200.0 frames/s | $${price} |`);
        expect(emulationTables(results)).not.toContain("NaN");
    });

    it("have a chart with a bar for each way", () => {
        const widths = [...emulationChart(results).matchAll(/<rect .*width="([\d.]+)"/g)].map(([, width]) =>
            Number(width),
        );
        expect(widths.map((width) => Math.round((width * 360) / (widths[5] ?? 0)))).toEqual([20, 22, 200, 30, 36, 360]);
    });

    it("are in the pages as they are committed", () => {
        for (const [file, text] of Object.entries(renewedFigures())) {
            expect([file, readFileSync(path.join(__dirname, "..", file), "utf8")]).toEqual([file, text]);
        }
    });
});
