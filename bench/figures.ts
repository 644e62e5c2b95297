import { chart } from "./chart";

/** What `make bench` found: bench/results/latest.json. Each figure is the median of its runs. */
export interface Results {
    /** Processors, memory and system, in words. */
    machine: string;
    /** ISO 8601. */
    date: string;
    seconds: { [name in Measurement]?: number };
    ratios: { [name in Ratio]?: number };
}

/** The measurements, in the order in which they are shown. */
export const measurements = {
    upCold: "pulumi up, nothing cached",
    buildxCold: "plain buildx, nothing cached",
    upLong: "pulumi up, nothing cached, without native compilers",
    buildxLong: "plain buildx, nothing cached, without native compilers",
    upOneLineChange: "pulumi up, one line of the application changed",
    upUnchanged: "pulumi up, unchanged, runners awake",
    buildxUnchanged: "plain buildx, unchanged, runners awake",
    upUnchangedAsleep: "pulumi up, unchanged, runners asleep",
    buildxUnchangedAsleep: "connect and plain buildx, unchanged, runners asleep",
    upBothOneCoreEach: "pulumi up, nothing cached, both platforms, a core each",
    upSlowestOneCore: "pulumi up, nothing cached, the slower platform alone, on its core",
    upOneOfTwenty: "pulumi up, one of 20 images changed",
    bakeOfTwenty: "docker buildx bake of all 20, one of them changed",
    bakeOfOne: "docker buildx bake of that image alone",
    upOneOfTwentyFull: "pulumi up, the same with 1,000 files in each image's folder",
    bakeOfTwentyFull: "docker buildx bake of all 20, with these files",
    bakeOfOneFull: "docker buildx bake of that image alone, with these files",
    upTwoRunners: "pulumi up, 8 images on two runners of a platform, a core each",
    upOneRunner: "pulumi up, the same 8 images on one runner, a core",
    upEmpty: "pulumi up of an empty program, the same engine and SDK",
    hash: "hashing a context of 10,000 files and 1 GB, for two platforms of an image",
    sha256sum: "sha256sum over the same files",
    upEdit: "pulumi up, a file of a context of 1 GB edited",
    sentFirst: "sent of a context of 1 GB, first build",
    sentEdit: "sent of it after the edit of a file",
    compileNatively: "compiling x264 (C, -O3) for the machine's own linux/amd64",
    compileCross: "compiling x264 for linux/arm64 on linux/amd64, by Debian's cross compiler",
    compileWithNativeCompilers: "compiling x264 for linux/arm64, emulated, with native compilers",
    compileEmulated: "compiling x264 for linux/arm64, emulated, without them",
    compileCxxNatively: "compiling x265's source/common (C++) for the machine's own linux/amd64",
    compileCxxCross: "compiling the same for linux/arm64 on linux/amd64, by Debian's cross compiler",
    compileCxxWithNativeCompilers: "compiling the same for linux/arm64, emulated, with native compilers",
    compileCxxEmulated: "compiling the same for linux/arm64, emulated, without them",
    processesWithNativeCompilers: "400 emulated processes that do nothing, in one step, with native compilers",
    processesEmulated: "the same by QEMU itself",
    stepsWithNativeCompilers: "20 emulated steps that do nothing, with native compilers",
    stepsEmulated: "the same without them",
    encodeX264: "encoding 200 frames of 1280x720 by x264, preset medium, linux/amd64",
    encodeX265: "encoding the same by x265, preset medium, linux/amd64",
    compileOneCore: "compiling x264 on a runner with one core",
    compileCluster: "compiling it on a compile cluster of two runners with a core each",
    preprocessOneCore: "preprocessing alone, on the runner with one core",
    wake: "connect to a stopped runner, simulated EC2",
    boot: "start of a bare machine until its system is up, simulated EC2",
    podWakeToBuilt: "connect to a runner without a pod, and a build that has nothing to do, in the tests' cluster",
    podStart: "start of a pod of the same image that does nothing, in the tests' cluster",
    upTwoPods: "pulumi up, 8 images on two runners of 0.4 cores in the tests' cluster",
    upFourPods: "pulumi up, the same 8 images on four such runners",
} as const;

export type Measurement = keyof typeof measurements;

/** Does something, and notes the seconds that it takes. */
export type Time = (name: Measurement, action: () => Promise<void>) => Promise<void>;
/** Notes a value that was measured otherwise. */
export type Note = (name: Measurement, value: number) => void;

/** Those that are not seconds. */
const megabytes: readonly Measurement[] = ["sentFirst", "sentEdit"];

/** A value with its unit. */
export function figure(name: Measurement, value: number): string {
    return megabytes.includes(name) ? `${value.toFixed(1)} MB` : `${value.toFixed(1)} s`;
}

/** The ratios: a measurement over another. */
export const ratios = {
    upVsBuildx: ["upCold", "buildxCold", "cold pulumi up over plain buildx"],
    longUpVsBuildx: [
        "upLong",
        "buildxLong",
        "the same without native compilers: builds of more than a minute (goal: 1.05)",
    ],
    unchangedUpVsEmpty: [
        "upUnchangedAsleep",
        "upEmpty",
        "unchanged pulumi up over that of an empty program (goal: 1.5)",
    ],
    hashVsSha256sum: ["hash", "sha256sum", "hashing a context over sha256sum (goal: 1.3)"],
    wakeVsBoot: ["wake", "boot", "waking a runner over the start of a bare machine, simulated EC2"],
    podWakeVsStart: ["podWakeToBuilt", "podStart", "waking a pod until it has built over the bare start of a pod"],
    fourPodsVsTwo: ["upFourPods", "upTwoPods", "four small runners of a cluster over two (best: 0.5)"],
    nativeToolchainVsNative: [
        "compileWithNativeCompilers",
        "compileNatively",
        "compiling with native compilers over compiling natively (goal: 1.2)",
    ],
    nativeToolchainVsCross: [
        "compileWithNativeCompilers",
        "compileCross",
        "compiling with native compilers over compiling for the same platform where nothing is emulated",
    ],
    plainEmulationVsNative: [
        "compileEmulated",
        "compileNatively",
        "compiling by plain emulation over compiling natively",
    ],
    nativeToolchainVsNativeCxx: [
        "compileCxxWithNativeCompilers",
        "compileCxxNatively",
        "C++ with native compilers over compiling it natively (goal: 1.2)",
    ],
    nativeToolchainVsCrossCxx: ["compileCxxWithNativeCompilers", "compileCxxCross", "the same of C++"],
    plainEmulationVsNativeCxx: [
        "compileCxxEmulated",
        "compileCxxNatively",
        "C++ by plain emulation over compiling it natively",
    ],
    processesVsEmulated: [
        "processesWithNativeCompilers",
        "processesEmulated",
        "an emulated process with native compilers over one by QEMU itself",
    ],
    stepsVsEmulated: [
        "stepsWithNativeCompilers",
        "stepsEmulated",
        "an emulated step with native compilers over a step without, where they have nothing to do",
    ],
    clusterVsHome: [
        "compileCluster",
        "compileOneCore",
        "compiling on two runners of a core each over compiling on one of them (goal: 0.65)",
    ],
    preprocessingVsHome: [
        "preprocessOneCore",
        "compileOneCore",
        "the share of preprocessing, which stays on the runner that builds",
    ],
    unchangedUpVsBuildx: ["upUnchanged", "buildxUnchanged", "unchanged pulumi up over plain buildx"],
    bothVsSlowest: ["upBothOneCoreEach", "upSlowestOneCore", "both platforms over the slower one alone"],
    oneLineChangeVsCold: ["upOneLineChange", "upCold", "one-line change over cold pulumi up"],
    oneOfTwentyVsBake: [
        "upOneOfTwenty",
        "bakeOfTwenty",
        "pulumi up, one of 20 images changed, over bake of all 20 (goal: 0.5)",
    ],
    oneOfTwentyVsBakeOfOne: ["upOneOfTwenty", "bakeOfOne", "the same over bake of that image alone (goal: 1.2)"],
    oneOfTwentyFullVsBake: [
        "upOneOfTwentyFull",
        "bakeOfTwentyFull",
        "one of 20 images changed, 1,000 files in each folder, over bake of all 20 (goal: 0.5)",
    ],
    oneOfTwentyFullVsBakeOfOne: [
        "upOneOfTwentyFull",
        "bakeOfOneFull",
        "the same over bake of that image alone (goal: 1.2)",
    ],
    twoRunnersVsOne: ["upTwoRunners", "upOneRunner", "two runners of a platform over one, a core each (goal: 0.6)"],
} as const satisfies { [name: string]: readonly [Measurement, Measurement, string] };

export type Ratio = keyof typeof ratios;

/** The middle one; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
    const sorted = [...values].sort((a, b) => a - b);
    const upper = sorted[Math.floor(sorted.length / 2)];
    const lower = sorted[Math.ceil(sorted.length / 2) - 1];
    if (upper === undefined || lower === undefined) {
        throw new Error("median: there is no value");
    }
    return (lower + upper) / 2;
}

/** Medians of what was measured, and their ratios; what was not measured is left out. */
export function evaluate(runs: { [name in Measurement]?: number[] }): Pick<Results, "seconds" | "ratios"> {
    const seconds: Results["seconds"] = {};
    for (const name of Object.keys(measurements) as Measurement[]) {
        const values = runs[name] ?? [];
        if (values.length > 0) {
            seconds[name] = rounded(median(values));
        }
    }
    return { seconds, ratios: ratiosOf(seconds) };
}

/** Those whose two measurements are there. */
export function ratiosOf(seconds: Results["seconds"]): Results["ratios"] {
    const quotients: Results["ratios"] = {};
    for (const [name, [over, under]] of Object.entries(ratios) as [Ratio, (typeof ratios)[Ratio]][]) {
        const [dividend, divisor] = [seconds[over], seconds[under]];
        if (dividend !== undefined && divisor) {
            quotients[name] = rounded(dividend / divisor);
        }
    }
    return quotients;
}

/** Three digits behind the point: more is noise. */
function rounded(value: number): number {
    return Math.round(value * 1000) / 1000;
}

/** The rows that every rendering shows: what, figure, unit. */
function rows(results: Results): [string, string][] {
    const seconds = Object.entries(results.seconds).map(([name, value]): [string, string] => [
        measurements[name as Measurement],
        figure(name as Measurement, value),
    ]);
    const quotients = Object.entries(results.ratios).map(([name, value]): [string, string] => [
        `${name}: ${ratios[name as Ratio][2]}`,
        value.toFixed(2),
    ]);
    return [...seconds, ...quotients];
}

/** Where and when. */
export function machineAndDate({ machine, date }: Results, separator = ","): string {
    return `${machine}${separator} ${date.slice(0, 10)}`;
}

/** For the terminal: aligned, figures to the right. */
export function textTable(results: Results): string {
    const lines = rows(results);
    const width = Math.max(...lines.map(([what]) => what.length));
    const figureWidth = Math.max(...lines.map(([, figure]) => (figure.split(" ")[0] ?? "").length));
    return [
        machineAndDate(results),
        "",
        ...lines.map(([what, figure]) => {
            const [number = "", unit] = figure.split(" ");
            return `${what.padEnd(width)}  ${number.padStart(figureWidth)}${unit ? ` ${unit}` : ""}`;
        }),
        "",
    ].join("\n");
}

/** For docs/figures.md. */
export function markdownTable(results: Results): string {
    return [
        `${machineAndDate(results, ";")}.`,
        "",
        "| measured | median |",
        "| --- | ---: |",
        ...rows(results).map(([what, figure]) => `| ${what} | ${figure} |`),
    ].join("\n");
}

/** A bar chart of the seconds, as SVG. */
export function barChart(results: Results): string {
    const all = Object.entries(results.seconds) as [Measurement, number][];
    const bars = all
        .filter(([name]) => !megabytes.includes(name))
        .map(([name, value]) => ({
            label: measurements[name],
            value,
            figure: figure(name, value),
            shade: name.startsWith("buildx") ? ("plain" as const) : ("ours" as const),
        }));
    return chart({ title: "Seconds, shorter is better", note: machineAndDate(results), groups: [{ bars }] });
}
