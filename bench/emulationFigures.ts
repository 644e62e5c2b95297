import { ec2MachinesOf } from "../components/architecture";
import { pricesOf } from "../components/runner/ec2/prices";
import { chart } from "./chart";
import { figure, type Measurement, machineAndDate, type Results, ratiosOf } from "./figures";
import { libraries } from "./libraries";

/** Of the clip: bench/emulation has its generator. */
const frames = 200;
/** Of the video whose price is reckoned. */
const framesPerSecond = 25;
/** Of every architecture's default instance, see components/architecture.ts. */
const processors = 4;
const region = "us-east-1";

/** What something that does nothing takes, so many times; and the same without what makes compilers native. */
const overheads = {
    process: { times: 400, with: "processesWithNativeCompilers", without: "processesEmulated" },
    step: { times: 20, with: "stepsWithNativeCompilers", without: "stepsEmulated" },
} as const;

/** The measurements of bench's part `emulation`. */
const own: readonly Measurement[] = [
    ...libraries.flatMap((library) => [
        library.natively,
        library.crossCompiled,
        library.withNativeCompilers,
        library.emulated,
    ]),
    ...libraries.map(({ encode }) => encode),
    ...Object.values(overheads).flatMap((pair) => [pair.with, pair.without]),
];

/** Results in two: those of part `emulation`, if all of it was measured, and those of the others, if there are any. */
export function split({ seconds, ...rest }: Results): { emulation?: Results; others?: Results } {
    const resultsOf = (wanted: (name: Measurement) => boolean): Results => {
        const kept = Object.fromEntries(Object.entries(seconds).filter(([name]) => wanted(name as Measurement)));
        return { ...rest, seconds: kept, ratios: ratiosOf(kept) };
    };
    const others = resultsOf((name) => !own.includes(name));
    return {
        ...(own.every((name) => seconds[name] !== undefined) && { emulation: resultsOf((name) => own.includes(name)) }),
        ...(Object.keys(others.seconds).length > 0 && { others }),
    };
}

/** For docs/figures.md: compiling, what it costs where nothing is compiled, encoding. */
export function emulationTables(results: Results): string {
    return [
        `${machineAndDate(results, ";")}.`,
        "",
        "| compiling, two at a time | `linux/amd64`, native | `linux/arm64`, cross-compiled on `linux/amd64` | `linux/arm64`, emulated, with native compilers | `linux/arm64`, emulated, without |",
        "| --- | ---: | ---: | ---: | ---: |",
        ...libraries.map(({ what, natively, crossCompiled, withNativeCompilers, emulated }) => {
            const over = (way: Measurement) => `${shown(results, way)} (${times(results, way, natively)})`;
            const others = [crossCompiled, withNativeCompilers, emulated].map(over);
            return `| ${[what, shown(results, natively), ...others].join(" | ")} |`;
        }),
        "",
        overhead(results),
        "",
        ...encodingTable(results),
    ].join("\n");
}

function overhead(results: Results): string {
    const milliseconds = (what: keyof typeof overheads, way: "with" | "without") =>
        `${((secondsOf(results, overheads[what][way]) * 1000) / overheads[what].times).toFixed(1)} ms`;
    const both = (what: keyof typeof overheads) => `${milliseconds(what, "with")} and ${milliseconds(what, "without")}`;
    return `With native compilers and without: an emulated process that does nothing takes ${both("process")}, a step with such a process ${both("step")}.`;
}

/** What is measured here, and what it comes to on the default instance of the same architecture. */
function encodingTable(results: Results): string[] {
    const { instanceType } = ec2MachinesOf("linux/amd64");
    const here = Number.parseInt(results.machine, 10);
    const price = priceOfHour(instanceType);
    const rows = libraries.map(({ name, encode }) => {
        const speed = frames / secondsOf(results, encode);
        const there = (speed * processors) / here;
        const cost = (framesPerSecond / there) * price;
        return `| ${name}, preset medium | ${speed.toFixed(1)} frames/s | ${there.toFixed(1)} frames/s | $${cost.toFixed(4)} |`;
    });
    return [
        `| encoding a generated clip of 1280x720, \`linux/amd64\` | measured here, ${here} processors | reckoned for ${instanceType}, ${processors} processors | reckoned price of an hour of video, ${framesPerSecond} frames/s |`,
        "| --- | ---: | ---: | ---: |",
        ...rows,
        "",
        `Reckoned: as if ${instanceType} had ${processors} of this machine's processors, all of which the encoder can use; at $${price} an hour (on demand, ${region}).`,
        ...otherArchitecture(instanceType, price),
    ];
}

/** What cannot be measured here, and what has been published about it. */
function otherArchitecture(measured: string, price: number): string[] {
    const { instanceType } = ec2MachinesOf("linux/arm64");
    const other = priceOfHour(instanceType);
    return [
        `\`linux/arm64\` is not measured: no machine here has it. At $${other} an hour ${instanceType} is the cheaper of the two if it encodes at least ${(other / price).toFixed(2)} times as fast as ${measured}.`,
        "Published by AWS in 2022, against C6i, the generation before: encoding on C7g costs 29 % less by x264 and 18 % less by x265",
        "([Optimized Video Encoding with FFmpeg on AWS Graviton Processors](https://aws.amazon.com/blogs/opensource/optimized-video-encoding-with-ffmpeg-on-aws-graviton-processors/)).",
    ];
}

/** For the README: how long compiling takes. */
export function emulationChart(results: Results): string {
    return chart({
        title: "Seconds to compile, shorter is better",
        note: machineAndDate(results),
        groups: libraries.map(({ what, natively, withNativeCompilers, emulated }) => ({
            heading: what,
            bars: [
                bar(results, "linux/amd64, native", natively, natively, "plain"),
                bar(results, "linux/arm64, emulated, with native compilers", withNativeCompilers, natively, "ours"),
                bar(results, "linux/arm64, emulated by QEMU alone", emulated, natively, "plain"),
            ],
        })),
    });
}

function bar(results: Results, label: string, name: Measurement, natively: Measurement, shade: "ours" | "plain") {
    const value = secondsOf(results, name);
    const ratio = name === natively ? "" : ` (${times(results, name, natively)})`;
    return { label, value, figure: `${figure(name, value)}${ratio}`, shade };
}

function secondsOf({ seconds }: Results, name: Measurement): number {
    return seconds[name] ?? Number.NaN;
}

function shown(results: Results, name: Measurement): string {
    return figure(name, secondsOf(results, name));
}

function times(results: Results, name: Measurement, natively: Measurement): string {
    return `${(secondsOf(results, name) / secondsOf(results, natively)).toFixed(2)} x`;
}

function priceOfHour(instanceType: string): number {
    return pricesOf(region).instanceHour?.[instanceType] ?? Number.NaN;
}
