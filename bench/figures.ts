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
    upTwoRunners: "pulumi up, 8 images on two runners of a platform, a core each",
    upOneRunner: "pulumi up, the same 8 images on one runner, a core",
    upEmpty: "pulumi up of an empty program, the same engine and SDK",
    hash: "hashing a context of 10,000 files and 1 GB, for two platforms at once",
    sha256sum: "sha256sum over the same files",
    upEdit: "pulumi up, a file of a context of 1 GB edited",
    sentFirst: "sent of a context of 1 GB, first build",
    sentEdit: "sent of it after the edit of a file",
    compileNatively: "compiling x264 (C, -O3) for the machine's own linux/amd64",
    compileWithNativeCompilers: "compiling x264 for linux/arm64, emulated, with native compilers",
    compileEmulated: "compiling x264 for linux/arm64, emulated, without them",
    wake: "connect to a stopped runner, simulated EC2",
    boot: "start of a bare machine until its system is up, simulated EC2",
} as const;

export type Measurement = keyof typeof measurements;

/** Those that are not seconds. */
const megabytes: readonly Measurement[] = ["sentFirst", "sentEdit"];

/** A value with its unit. */
export function figure(name: Measurement, value: number): string {
    return megabytes.includes(name) ? `${value.toFixed(1)} MB` : `${value.toFixed(1)} s`;
}

/** The ratios: a measurement over another. */
export const ratios = {
    upVsBuildx: ["upCold", "buildxCold", "cold pulumi up over plain buildx (goal: 1.05 once a build takes a minute)"],
    unchangedUpVsEmpty: [
        "upUnchangedAsleep",
        "upEmpty",
        "unchanged pulumi up over that of an empty program (goal: 1.5)",
    ],
    hashVsSha256sum: ["hash", "sha256sum", "hashing a context over sha256sum (goal: 1.3)"],
    wakeVsBoot: ["wake", "boot", "waking a runner over the start of a bare machine, simulated EC2"],
    nativeToolchainVsNative: [
        "compileWithNativeCompilers",
        "compileNatively",
        "compiling with native compilers over compiling natively (goal: 1.2)",
    ],
    plainEmulationVsNative: [
        "compileEmulated",
        "compileNatively",
        "compiling by plain emulation over compiling natively",
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

/** For the terminal: aligned, figures to the right. */
export function textTable(results: Results): string {
    const lines = rows(results);
    const width = Math.max(...lines.map(([what]) => what.length));
    const figureWidth = Math.max(...lines.map(([, figure]) => (figure.split(" ")[0] ?? "").length));
    return [
        `${results.machine}, ${results.date.slice(0, 10)}`,
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
        `${results.machine}; ${results.date.slice(0, 10)}.`,
        "",
        "| measured | median |",
        "| --- | ---: |",
        ...rows(results).map(([what, figure]) => `| ${what} | ${figure} |`),
    ].join("\n");
}

const barHeight = 20;
const rowHeight = 44;
const chartWidth = 760;
const margin = 24;
/** Room for the figure behind the longest bar. */
const figureRoom = 80;

/** A bar chart of the seconds, as SVG. Readable on light and on dark ground; its text is text. */
export function barChart(results: Results): string {
    const all = Object.entries(results.seconds) as [Measurement, number][];
    const bars = all.filter(([name]) => !megabytes.includes(name));
    const longest = Math.max(...bars.map(([, value]) => value), 0.1);
    const scale = (chartWidth - 2 * margin - figureRoom) / longest;
    const top = 56;
    const height = top + bars.length * rowHeight + margin;
    return [
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${chartWidth} ${height}" width="${chartWidth}" height="${height}" role="img" aria-label="Seconds that each measurement took">`,
        "<style>",
        "text { font: 13px system-ui, sans-serif; fill: #24292f } .note { fill: #57606a }",
        ".ours { fill: #0969da } .plain { fill: #8c959f }",
        "@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .note { fill: #9198a1 } .ours { fill: #4493f8 } .plain { fill: #6e7681 } }",
        "</style>",
        `<text x="${margin}" y="24">Seconds, shorter is better</text>`,
        `<text x="${margin}" y="42" class="note">${escapeXml(`${results.machine}, ${results.date.slice(0, 10)}`)}</text>`,
        ...bars.flatMap(([name, value], at) => {
            const y = top + at * rowHeight;
            const width = Math.max(value * scale, 1);
            return [
                `<text x="${margin}" y="${y + 13}">${escapeXml(measurements[name])}</text>`,
                `<rect x="${margin}" y="${y + 18}" width="${width.toFixed(1)}" height="${barHeight - 6}" rx="2" class="${name.startsWith("buildx") ? "plain" : "ours"}"/>`,
                `<text x="${(margin + width + 6).toFixed(1)}" y="${y + 30}">${value.toFixed(1)} s</text>`,
            ];
        }),
        "</svg>",
        "",
    ].join("\n");
}

function escapeXml(text: string): string {
    return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
