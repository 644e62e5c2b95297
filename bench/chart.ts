import { escapeXml } from "../provider/progress/xml";

/** A bar, as long as its value. */
export interface Bar {
    label: string;
    value: number;
    /** The value in words, behind the bar. */
    figure: string;
    shade: "ours" | "plain";
}

/** What a chart shows: bars one below the other, of which those of a group belong together. */
export interface Chart {
    title: string;
    note: string;
    groups: { heading?: string; bars: Bar[] }[];
}

const barHeight = 14;
const rowHeight = 44;
const headingHeight = 30;
const width = 760;
const margin = 24;
/** Of the first group: below the title and the note. */
const top = 56;
/** Room for the figure behind the longest bar. */
const figureRoom = 140;

/** An SVG. Readable on light and on dark ground; its text is text. */
export function chart({ title, note, groups }: Chart): string {
    const longest = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => value)), 0.1);
    const scale = (width - 2 * margin - figureRoom) / longest;
    let y = top;
    const lines = groups.flatMap(({ heading, bars }) => {
        const above = heading === undefined ? [] : [text(margin, y + 16, heading, "heading")];
        y += heading === undefined ? 0 : headingHeight;
        return [
            ...above,
            ...bars.flatMap((bar) => {
                const drawn = drawnBar(bar, y, Math.max(bar.value * scale, 1));
                y += rowHeight;
                return drawn;
            }),
        ];
    });
    const height = y + margin;
    return [
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(title)}">`,
        "<style>",
        "text { font: 13px system-ui, sans-serif; fill: #24292f } .note { fill: #57606a }",
        ".title, .heading { font-weight: 600 } .ours { fill: #0969da } .plain { fill: #8c959f }",
        "@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .note { fill: #9198a1 } .ours { fill: #4493f8 } .plain { fill: #6e7681 } }",
        "</style>",
        text(margin, 24, title, "title"),
        text(margin, 42, note, "note"),
        ...lines,
        "</svg>",
        "",
    ].join("\n");
}

/** Its label above it. */
function drawnBar({ label, figure, shade }: Bar, y: number, length: number): string[] {
    return [
        text(margin, y + 13, label),
        `<rect x="${margin}" y="${y + 18}" width="${length.toFixed(1)}" height="${barHeight}" rx="2" class="${shade}"/>`,
        text(Number((margin + length + 6).toFixed(1)), y + 30, figure),
    ];
}

function text(x: number, y: number, words: string, style?: string): string {
    return `<text x="${x}" y="${y}"${style ? ` class="${style}"` : ""}>${escapeXml(words)}</text>`;
}
