import * as pulumi from "@pulumi/pulumi";
import { receiptOf } from "../../provider/progress/receipt";
import type { Platform } from "../architecture";
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
