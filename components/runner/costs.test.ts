import { type BuildTime, costLine, costOf } from "./costs";

const build = (runner: string, seconds: number, hour?: number, idleMinutes = 5): BuildTime => ({
    runner,
    seconds,
    description: {
        kind: "ec2",
        platform: "linux/arm64",
        id: "i-0a",
        idleMinutes,
        instanceType: runner === "amd64" ? "c7i.xlarge" : "c7g.xlarge",
    },
    price: hour === undefined ? { unknown: "price not known, set prices" } : { hour, month: 3.68 },
});

test("builds are summed up in a line, the idle time after them apart", () => {
    expect(costLine([build("arm64", 600, 0.15), build("amd64", 300.4, 0.1835)])).toBe(
        "runners' time of these builds: arm64 600 s on c7g.xlarge: $0.0250, amd64 300 s on c7i.xlarge: $0.0153; " +
            "together $0.0403; idle time after them $0.0278; volumes $7.36 a month",
    );
});

test("a runner that never stops is said, with what an hour of it costs", () => {
    expect(costLine([build("arm64", 600, 0.15, 0), build("amd64", 300.4, 0.1835)])).toBe(
        "runners' time of these builds: arm64 600 s on c7g.xlarge: $0.0250, amd64 300 s on c7i.xlarge: $0.0153; " +
            "together $0.0403; idle time after them $0.0153; arm64 never stops: $0.1500 an hour; volumes $7.36 a month",
    );
    expect(costLine([build("arm64", 10, undefined, 0)])).toBe(
        "runners' time of these builds: arm64 10 s on c7g.xlarge: price not known, set prices",
    );
});

test("a machine that emulated is said, and the volumes of a runner and its stand-in are reckoned once", () => {
    const standIn = { ...build("amd64", 10), price: { unknown: "price of a stand-in not known", month: 3.68 } };
    expect(costLine([{ ...build("amd64", 600, 0.15), emulated: ["arm64", "arm64_2"] }, standIn])).toBe(
        "runners' time of these builds: amd64 600 s on c7i.xlarge, arm64 and arm64_2 emulated: $0.0250, " +
            "amd64 10 s on c7i.xlarge: price of a stand-in not known; volumes $3.68 a month",
    );
});

test("what has no price is said, and not summed up", () => {
    const line = costLine([build("arm64", 600, 0.15), build("arm64_2", 10)]);
    expect(line).toBe(
        "runners' time of these builds: arm64 600 s on c7g.xlarge: $0.0250, " +
            "arm64_2 10 s on c7g.xlarge: price not known, set prices",
    );
    expect(costOf(10, { unknown: "" })).toBeUndefined();
});
