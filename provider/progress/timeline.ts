import type { PartKind, Receipt, ReceiptPart } from "./receipt";
import { escapeXml } from "./xml";

/** The receipts of one `up`: image, platform, receipt. */
export interface Receipts {
    [image: string]: { [platform: string]: Receipt };
}

/** Sizes in pixels. */
const rowHeight = 20;
const labelWidth = 380;
const panelWidth = 420;
const gap = 28;
const headHeight = 60;
const imageHeadHeight = 56;
const margin = 20;
/** Characters of a step's name that fit beside its row. */
const labelLength = 58;

/** By kind of part: where its colour is explained, and the colour. */
const colours: { [kind in PartKind | "waking" | "cached"]: [text: string, colour: string] } = {
    waking: ["waking the runner", "#9068c2"],
    context: ["getting the context", "#d08a1d"],
    pull: ["pulling a base", "#58a7a0"],
    step: ["step", "#3973c6"],
    cached: ["step from the cache", "#bcd2f2"],
    export: ["making the layers", "#7f8fa6"],
    push: ["pushing", "#4f9d58"],
    cache: ["cache in the registry", "#a98467"],
};

/**
 * A timeline of these builds as SVG: for each image a row for each step, the platforms side by side on the same scale of
 * time, steps from the cache in a light colour.
 */
export function renderTimeline(receipts: Receipts): string {
    const images = Object.entries(receipts).filter(([, platforms]) => Object.keys(platforms).length > 0);
    const most = Math.max(1, ...images.map(([, platforms]) => Object.keys(platforms).length));
    const width = Math.max(margin * 2 + labelWidth + most * (panelWidth + gap), legendWidth);
    let top = headHeight;
    const drawn = images.map(([image, platforms]) => {
        const { svg, height } = drawImage(image, Object.values(platforms), top);
        top += height;
        return svg;
    });
    const height = top + margin;
    return [
        `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="DejaVu Sans, Verdana, Helvetica, sans-serif" font-size="11">`,
        `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
        ...legend(),
        ...drawn,
        "</svg>",
        "",
    ].join("\n");
}

/** Pixels that an entry of the legend takes, with its colour and the space after it. */
const entryWidth = (label: string) => 34 + label.length * 6.6;
const legendWidth = Object.values(colours).reduce((width, [label]) => width + Math.ceil(entryWidth(label)), margin * 2);

function legend(): string[] {
    let left = margin;
    return Object.values(colours).map(([label, colour]) => {
        const at = left;
        left += entryWidth(label);
        return `<rect x="${at}" y="20" width="12" height="12" rx="2" fill="${colour}"/>${text(at + 17, 30, label, "#444444")}`;
    });
}

interface Bar {
    /** What decides its row. */
    row: string;
    label: string;
    colour: string;
    start: number;
    seconds: number;
    title: string;
}

function drawImage(image: string, receipts: Receipt[], top: number): { svg: string; height: number } {
    const bars = receipts.map(barsOf);
    const rows = rowsOf(bars);
    const labels = rows.map((row) => commonLabel(bars.flat().filter((bar) => bar.row === row)));
    const seconds = Math.max(1, ...receipts.map(lengthOf));
    const firstRow = top + imageHeadHeight;
    const height = imageHeadHeight + rows.length * rowHeight + 34;
    const parts = [
        text(margin, top + 18, image, "#111111", 'font-size="15" font-weight="bold"'),
        ...rows.map((row, at) => {
            const y = firstRow + at * rowHeight;
            const stripe = `<rect x="${margin}" y="${y}" width="${labelWidth - 10}" height="${rowHeight}" fill="${at % 2 ? "#ffffff" : "#f6f7f9"}"/>`;
            return `${stripe}${text(margin + 6, y + 14, shortened(labels[at] ?? row), "#222222")}`;
        }),
        ...receipts.map((receipt, at) => {
            const left = margin + labelWidth + at * (panelWidth + gap);
            return drawPanel(receipt, bars[at] ?? [], rows, { left, top: firstRow, seconds });
        }),
    ];
    return { svg: parts.join("\n"), height };
}

function drawPanel(
    receipt: Receipt,
    bars: Bar[],
    rows: string[],
    place: { left: number; top: number; seconds: number },
): string {
    const { left, top } = place;
    const bottom = top + rows.length * rowHeight;
    const scale = panelWidth / place.seconds;
    const ticks = ticksOf(place.seconds).map((second) => {
        const x = left + second * scale;
        const line = `<line x1="${round(x)}" y1="${top}" x2="${round(x)}" y2="${bottom}" stroke="#dfe3e8"/>`;
        // Near the edge it would run into the next platform's.
        const isInside = x < left + panelWidth - 24;
        return `${line}${isInside ? text(x, bottom + 14, duration(second), "#666666", 'text-anchor="middle"') : ""}`;
    });
    return [
        text(left, top - 10, headline(receipt), "#222222", 'font-weight="bold"'),
        ...rows.map((_row, at) =>
            at % 2
                ? ""
                : `<rect x="${left}" y="${top + at * rowHeight}" width="${panelWidth}" height="${rowHeight}" fill="#f6f7f9"/>`,
        ),
        ...ticks,
        ...bars.map((bar) => drawBar(bar, left, top + rows.indexOf(bar.row) * rowHeight, scale)),
    ]
        .filter(Boolean)
        .join("\n");
}

/** A bar, with its seconds inside where they fit, otherwise on the side that has room. */
function drawBar({ colour, start, seconds, title }: Bar, left: number, y: number, scale: number): string {
    const x = left + start * scale;
    const isCached = colour === colours.cached[1];
    const width = Math.max(isCached ? 8 : 2, seconds * scale);
    const label = isCached ? "cached" : duration(seconds);
    const labelSpace = label.length * 6.5 + 8;
    const rect = `<rect x="${round(x)}" y="${y + 3}" width="${round(width)}" height="${rowHeight - 6}" rx="2" fill="${colour}"><title>${escapeXml(title)}</title></rect>`;
    if (width > labelSpace) {
        return `${rect}${text(x + 4, y + 14, label, isCached ? "#33445c" : "#ffffff")}`;
    }
    const isRightFree = x + width + labelSpace < left + panelWidth;
    return isRightFree
        ? `${rect}${text(x + width + 4, y + 14, label, "#444444")}`
        : `${rect}${text(x - 4, y + 14, label, "#444444", 'text-anchor="end"')}`;
}

/** A receipt's bars, from the beginning of waking on. */
function barsOf({ waking, parts }: Receipt): Bar[] {
    const seen = new Map<string, number>();
    const rowOf = (kind: PartKind, name: string) => {
        const place = placeOf(kind, name);
        const before = seen.get(place) ?? 0;
        seen.set(place, before + 1);
        return `${place} ${before}`;
    };
    const bar = ({ kind, name, start, seconds, cached }: ReceiptPart): Bar => ({
        row: rowOf(kind, name),
        label: kind === "context" ? "getting the context" : withoutPlatform(name),
        colour: colours[cached && kind === "step" ? "cached" : kind][1],
        start: waking + start,
        seconds,
        title: `${name}: ${cached ? "from the cache" : duration(seconds)}`,
    });
    const sent = parts.filter(({ kind }) => kind === "context");
    const first = sent[0];
    const context = first && {
        ...first,
        seconds: Math.max(...sent.map(({ start, seconds }) => start + seconds)) - first.start,
    };
    return [
        ...(waking > 0
            ? [
                  {
                      row: "waking",
                      label: "waking",
                      colour: colours.waking[1],
                      start: 0,
                      seconds: waking,
                      title: `waking: ${duration(waking)}`,
                  },
              ]
            : []),
        ...(context ? [bar(context)] : []),
        ...parts.filter(({ kind }) => kind !== "context").map(bar),
    ];
}

/**
 * Where a part is in its build, which is the same on every platform: `[build 2/5] RUN`. What follows may name the
 * architecture, as an argument or a digest.
 */
function placeOf(kind: PartKind, name: string): string {
    const [, brackets = "", word = ""] = /^(\[[^\]]*\] )?(\S*)/.exec(withoutPlatform(name)) ?? [];
    return kind === "context" ? kind : `${kind} ${brackets}${kind === "pull" ? "" : word}`;
}

function withoutPlatform(name: string): string {
    return name.replace(/^\[linux\/\w+ /, "[");
}

/** The name of a row: what its bars have in common, and an ellipsis for that in which they differ. */
function commonLabel(bars: Bar[]): string {
    const [first = [], ...others] = bars.map(({ label }) => label.match(/\w+|\W/g) ?? []);
    const isCommon = (at: number) => others.every((words) => words.at(at) === first.at(at));
    const length = Math.min(first.length, ...others.map((words) => words.length));
    let head = 0;
    while (head < length && isCommon(head)) {
        head++;
    }
    let tail = 0;
    while (tail < length - head && isCommon(-1 - tail)) {
        tail++;
    }
    const differs = others.some((words) => words.length !== head) || first.length !== head;
    return [...first.slice(0, head), ...(differs ? ["\u2026"] : []), ...first.slice(first.length - tail)].join("");
}

/** Every row once: in the order of the first platform's, those of the others after the row they follow there. */
function rowsOf(bars: Bar[][]): string[] {
    const rows: string[] = [];
    for (const platform of bars) {
        let after = -1;
        for (const { row } of platform) {
            const at = rows.indexOf(row);
            if (at === -1) {
                rows.splice(after + 1, 0, row);
                after++;
            } else {
                after = at;
            }
        }
    }
    return rows;
}

function headline({ platform, waking, total, cached, all, slowest }: Receipt): string {
    return [
        platform,
        duration(waking + total),
        `${cached}/${all} cached`,
        ...(slowest ? [`slowest ${duration(slowest.seconds)}`] : []),
    ].join("  \u00b7  ");
}

/** Where the last bar ends: BuildKit's clock and this machine's may differ by a little. */
function lengthOf(receipt: Receipt): number {
    const ends = receipt.parts.map(({ start, seconds }) => start + seconds);
    return receipt.waking + Math.max(receipt.total, 0, ...ends);
}

/** About five round numbers of seconds. */
function ticksOf(seconds: number): number[] {
    const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
    const step = steps.find((candidate) => seconds / candidate <= 6) ?? 14_400;
    return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, at) => at * step);
}

function duration(seconds: number): string {
    if (seconds < 10) {
        return `${Number(seconds.toFixed(1))} s`;
    }
    const whole = Math.round(seconds);
    return whole < 120 ? `${whole} s` : `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ""}`;
}

function shortened(name: string): string {
    return name.length > labelLength ? `${name.slice(0, labelLength - 1)}\u2026` : name;
}

function text(x: number, y: number, content: string, colour: string, more = ""): string {
    return `<text x="${round(x)}" y="${y}" fill="${colour}" ${more}>${escapeXml(content)}</text>`;
}

function round(pixels: number): number {
    return Math.round(pixels * 10) / 10;
}
