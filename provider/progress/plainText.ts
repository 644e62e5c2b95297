import { StringDecoder } from "node:string_decoder";
import type { Hide } from "../hiddenSecrets";
import { withoutLogins } from "../withoutLogins";

/** Longest line that is shown, in characters. */
const shown = 400;
/** Characters of a line that are looked at: a line may be megabytes long, and most of it may be colour. */
const kept = 4000;

/** Where there are no secrets. */
export const nothingHidden: Hide = (text) => text;

/**
 * A program's text without what a terminal would act on, and without logins and secrets, cut off where it is too long to be
 * shown.
 */
export function plainText(text: string, hide: Hide = nothingHidden, isCut = false): string {
    return cutOff(wholeText(text, hide, isCut));
}

/** Such a text, of which the beginning is shown. */
export function cutOff(plain: string): string {
    return plain.length > shown ? `${beginningOf(plain, shown)}...` : plain;
}

/** Such a text, of which both ends are shown: an error begins with what was done, and ends with the reason. */
export function bothEnds(plain: string): string {
    return plain.length > shown ? `${beginningOf(plain, shown / 2)} ... ${endOf(plain, shown / 2)}` : plain;
}

/** The beginning of a text, which does not end within a character. */
function beginningOf(text: string, length: number): string {
    return text.slice(0, length).replace(/[\ud800-\udbff]$/, "");
}

function endOf(text: string, length: number): string {
    return text.slice(-length).replace(/^[\udc00-\udfff]/, "");
}

/**
 * A program's text, whole, without secrets, logins, escape sequences, whole or cut off, control characters, halves of
 * characters, and characters that change the direction of writing. A tabulator becomes a blank.
 *
 * @param isCut whether it may end within a secret. @default false
 */
export function wholeText(text: string, hide: Hide = nothingHidden, isCut = false): string {
    // A secret is the text as it was, or has colours in it.
    return hide(readable(hide(text, isCut)), isCut);
}

function readable(text: string): string {
    return withoutLogins(
        text
            // Sequences that end with a letter, those that hold a text (a title, a link), and those of two characters.
            // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
            .replace(/(?:\x1b\[|\x9b)[0-?]*[ -/]*(?:[@-~]|$)/g, "")
            // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
            .replace(/(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x9c|\x1b\\|$)/g, "")
            // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
            .replace(/\x1b[ -/]*(?:[0-~]|$)/g, "")
            .replaceAll("\t", " ")
            .replace(/[\p{Cc}\p{Cs}\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu, "")
            .trimEnd(),
    );
}

/** So many of each stream's last lines are kept in any case: the error may be on one stream, and much else on the other. */
const keptOfEither = 3;

/** The last lines of a program's output, plain, in bounded memory whatever it writes. */
export class LastLines {
    private readonly lines: { line: Line; stream: number }[] = [];
    private readonly streams = new Map<number, LineReader>();

    /**
     * @param count of lines to keep
     * @param hide of the secrets that they may have. @default there are none
     */
    constructor(
        private readonly count: number,
        private readonly hide: Hide = nothingHidden,
    ) {}

    /** @param stream it was written to, as numbered by the system */
    write(bytes: Buffer, stream = 1): void {
        const reader = this.streams.get(stream) ?? new LineReader(this.count, (line) => this.keep(line, stream));
        // The one that was written to last is last.
        this.streams.delete(stream);
        this.streams.set(stream, reader);
        reader.write(bytes);
    }

    private keep(line: Line, stream: number): void {
        this.lines.push({ line, stream });
        if (this.lines.length > this.count) {
            const linesOf = (stream: number) => this.lines.filter((other) => other.stream === stream).length;
            const oldest = this.lines.findIndex(({ stream }) => linesOf(stream) > keptOfEither);
            this.lines.splice(Math.max(0, oldest), 1);
        }
    }

    /** The last lines, those being written too, without empty ones at their end. */
    all(): string[] {
        const lines = [...this.lines.map(({ line }) => textOf(line, this.hide)), ...this.unfinished()];
        while (lines.at(-1) === "") {
            lines.pop();
        }
        return lines.slice(-this.count);
    }

    /** The last line that says something; empty if none does. */
    last(): string {
        const unfinished = this.unfinished().at(-1);
        if (unfinished) {
            return unfinished;
        }
        for (const { line } of this.lines.toReversed()) {
            const text = textOf(line, this.hide);
            if (text !== "") {
                return text;
            }
        }
        return "";
    }

    private unfinished(): string[] {
        return [...this.streams.values()]
            .map(({ line }) => textOf(line, this.hide, true))
            .filter((text) => text !== "");
    }
}

/** A line as it was written: most lines of a loud program are never shown, so they are made plain only when they are. */
interface Line {
    /** What was written since the last carriage return. */
    current: string;
    /** What was there before that: a progress bar ends with a carriage return, or begins with one. */
    overwritten: string;
}

/** @param goesOn whether more of the line may come. @default false */
function textOf({ current, overwritten }: Line, hide: Hide, goesOn = false): string {
    const isCut = (text: string) => text.length >= kept;
    return plainText(current, hide, goesOn || isCut(current)) || plainText(overwritten, hide, isCut(overwritten));
}

/** Reads one stream line by line, and keeps no more than the beginning of the line that is being written. */
class LineReader {
    private readonly decoder = new StringDecoder("utf8");
    line: Line = { current: "", overwritten: "" };

    /**
     * @param count of a piece's last lines that are told; those before them are not looked at
     * @param onLine is told of each line that has ended
     */
    constructor(
        private readonly count: number,
        private readonly onLine: (line: Line) => void,
    ) {}

    write(bytes: Buffer): void {
        const pieces = this.lastOf(this.decoder.write(bytes)).split("\n");
        for (const [at, piece] of pieces.entries()) {
            this.append(piece);
            if (at < pieces.length - 1) {
                this.onLine(this.line);
                this.line = { current: "", overwritten: "" };
            }
        }
    }

    private lastOf(text: string): string {
        let from = text.length;
        for (let line = 0; line <= this.count && from >= 0; line++) {
            from = from === 0 ? -1 : text.lastIndexOf("\n", from - 1);
        }
        if (from < 0) {
            return text;
        }
        this.line = { current: "", overwritten: "" };
        return text.slice(from + 1);
    }

    private append(piece: string): void {
        for (const [at, frame] of piece.split("\r").entries()) {
            if (at > 0) {
                this.line = { current: "", overwritten: this.line.current || this.line.overwritten };
            }
            this.line.current += frame.slice(0, kept - this.line.current.length);
        }
    }
}
