import * as pulumi from "@pulumi/pulumi";
import { receiptOf } from "../../provider/progress/receipt";
import type { Platform } from "../architecture";
import { costLine } from "../runner/costs";
import type { RunnerDescription } from "../runner/runner";
import type { MultiPlatformImage } from "./multiPlatformImage";
import { receiptsOf, runnerTimes } from "./receipts";

const runner = (platform: Platform, id: string): RunnerDescription => ({
    ...{ kind: "ec2", platform, id, idleMinutes: 5, instanceType: "c7g.xlarge" },
    price: { hour: 0.15, month: 4 },
});
const built = (name: string, seconds: [begun: number, took: number]) => ({
    ...receiptOf({ platform: name, parts: [], sentBytes: 0, total: seconds[1] }),
    ...{ runner: name, began: new Date(seconds[0] * 1000).toISOString(), waking: 0 },
});

test("a machine that emulates other platforms is reckoned once, from its first build to the end of the last", () => {
    const runners = {
        arm64: runner("linux/arm64", "i-1"),
        amd64: runner("linux/amd64", "i-2"),
        riscv64: runner("linux/riscv64", "i-1"),
    };
    const receipts = {
        app: {
            "linux/arm64": built("arm64", [100, 20]),
            "linux/riscv64": built("riscv64", [110, 60]),
            "linux/amd64": built("amd64", [100, 5]),
        },
    };
    const times = runnerTimes(receipts, runners, new Date(0));
    expect(times.map((time) => [time.runner, time.seconds])).toEqual([
        ["arm64", 70],
        ["amd64", 5],
    ]);
});

describe("a build that was not on its runner's own machine", () => {
    const runners = {
        amd64: { ...runner("linux/amd64", "i-2"), instanceType: "c7i.xlarge", price: { hour: 0.3, month: 4 } },
        arm64: { ...runner("linux/arm64", "i-1"), idleMinutes: 0 },
    };
    const emulated = { ...built("arm64", [110, 60]), on: { type: "c7i.xlarge", runner: "amd64" } };
    const standIn = { ...built("arm64", [100, 360]), on: { type: "m7g.xlarge", runner: "arm64" } };
    const line = (images: Parameters<typeof runnerTimes>[0]) => costLine(runnerTimes(images, runners, new Date(0)));

    test("is reckoned as time of the machine that emulated it", () => {
        expect(line({ app: { "linux/arm64": emulated, "linux/amd64": built("amd64", [100, 20]) } })).toBe(
            "runners' time of these builds: amd64 70 s on c7i.xlarge, arm64 emulated: $0.0058; " +
                "idle time after them $0.0250; volumes $4.00 a month",
        );
    });

    test("is named with its stand-in, and has no price, nor that of an hour without an end", () => {
        expect(line({ app: { "linux/arm64": standIn }, other: { "linux/arm64": built("arm64", [500, 36]) } })).toBe(
            "runners' time of these builds: arm64 360 s on m7g.xlarge: price of a stand-in not known, " +
                "arm64 36 s on c7g.xlarge: $0.0015; arm64 never stops: $0.1500 an hour; volumes $4.00 a month",
        );
    });

    test.each([
        [
            "the price of the machine that emulated it",
            emulated,
            { price: expect.closeTo(0.005), idlePrice: expect.closeTo(0.025) },
        ],
        ["no price on a stand-in", standIn, {}],
        ["no price on a runner that is gone", { ...emulated, on: { type: "c7i.xlarge", runner: "x" } }, {}],
    ])("has %s", async (_what, receipt, prices) => {
        const images = { app: { receipts: { "linux/arm64": receipt } } as unknown as MultiPlatformImage };
        const receipts = await new Promise((resolve) =>
            receiptsOf(images, pulumi.output<{ [name: string]: RunnerDescription }>(runners)).apply(resolve),
        );
        expect(receipts).toEqual({ app: { "linux/arm64": { ...receipt, ...prices } } });
    });
});

test.each([
    ["the idle time after it", 5, { idlePrice: expect.closeTo(0.0125) }],
    ["an hour of a runner that never stops", 0, { endlessHour: 0.15 }],
])("a build is priced, and %s", async (_what, idleMinutes, prices) => {
    const receipt = built("arm64", [100, 360]);
    const images = { app: { receipts: { "linux/arm64": receipt } } as unknown as MultiPlatformImage };
    const runners: { [name: string]: RunnerDescription } = { arm64: { ...runner("linux/arm64", "i-1"), idleMinutes } };
    const receipts = await new Promise((resolve) => receiptsOf(images, pulumi.output(runners)).apply(resolve));
    expect(receipts).toEqual({ app: { "linux/arm64": { ...receipt, price: expect.closeTo(0.015), ...prices } } });
});
