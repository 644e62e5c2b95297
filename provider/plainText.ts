import { StringDecoder } from "node:string_decoder";

/** Longest line that is shown, in characters. */
const shown = 400;
/** Characters of a line that are looked at: a line may be megabytes long, and most of it may be colour. */
const kept = 4000;

/**
 * A text of a program without what a terminal would act on: escape sequences, whole or cut off, control characters,
 * and those that turn the direction of writing. A tabulator becomes a blank.
 */
export function plainText(text: string): string {
    const plain = text
        // Sequences that end with a letter, those that hold a text (a title, a link), and those of two characters.
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
        .replace(/(?:\x1b\[|\x9b)[0-?]*[ -/]*(?:[@-~]|$)/g, "")
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
        .replace(/(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x9c|\x1b\\|$)/g, "")
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
        .replace(/\x1b[ -/]*(?:[0-~]|$)/g, "")
        .replaceAll("\t", " ")
        .replace(/[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu, "")
        .trimEnd();
    return plain.length > shown ? `${plain.slice(0, shown)}...` : plain;
}

/** The last lines of a program's output, plain, in bounded memory whatever it writes. */
export class LastLines {
    private readonly decoder = new StringDecoder("utf8");
    private readonly lines: string[] = [];
    /** The line being written, since the last carriage return. */
    private current = "";
    /** What was on it before that: a progress bar ends with a carriage return, or begins with one. */
    private overwritten = "";

    /** @param count of lines to keep */
    constructor(private readonly count: number) {}

    write(bytes: Buffer): void {
        const pieces = this.decoder.write(bytes).split("\n");
        for (const [at, piece] of pieces.entries()) {
            this.append(piece);
            if (at < pieces.length - 1) {
                this.endLine();
            }
        }
    }

    private append(piece: string): void {
        const frames = piece.split("\r");
        for (const [at, frame] of frames.entries()) {
            if (at > 0) {
                this.overwritten = this.current || this.overwritten;
                this.current = "";
            }
            this.current += frame.slice(0, kept - this.current.length);
        }
    }

    private endLine(): void {
        this.lines.push(this.line());
        if (this.lines.length > this.count) {
            this.lines.shift();
        }
        this.current = "";
        this.overwritten = "";
    }

    private line(): string {
        return plainText(this.current) || plainText(this.overwritten);
    }

    /** The last lines, the one being written too, without empty ones at their end. */
    all(): string[] {
        const line = this.line();
        const lines = [...this.lines, ...(line ? [line] : [])];
        while (lines.at(-1) === "") {
            lines.pop();
        }
        return lines.slice(-this.count);
    }

    /** The last line that says something; empty if none does. */
    last(): string {
        return this.line() || (this.lines.findLast((line) => line !== "") ?? "");
    }
}
