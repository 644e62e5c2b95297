import type { Hide } from "../hiddenSecrets";
import { cutOff, LastLines, nothingHidden, wholeText } from "./plainText";

/** Other lines that are kept: before the error, and of it. */
const mostLines = 60;
/** Lines of an excerpt that are kept: of a step of a hundred lines, each is marked. */
const [firstLines, lastLines] = [10, 4];
/** Bytes of a line by which it is recognized. */
const looked = 4000;

const rule = /^-{10,}$/;
const excerptLine = /^ *\d+ \|/;

/**
 * What buildx writes besides its progress: the part of the Dockerfile that failed and the first line of the error, however
 * much else there is, and the last of the other lines.
 */
export class BuildxText {
    private readonly others: LastLines;
    /** Its header, a rule, its first and its last lines, and a rule. */
    private excerpt: string[] = [];
    private isInExcerpt = false;
    private error: { first: string; more: LastLines } | undefined;
    private previous: Buffer | undefined;

    /** @param hide of the secrets that it may have. @default there are none */
    constructor(private readonly hide: Hide = nothingHidden) {
        this.others = new LastLines(mostLines, hide);
    }

    /** @param line without its end */
    write(line: Buffer): void {
        const text = wholeText(line.toString("utf8", 0, looked), this.hide, line.length > looked);
        if (this.isInExcerpt && (rule.test(text) || excerptLine.test(text))) {
            this.addToExcerpt(text);
            return;
        }
        this.isInExcerpt = false;
        const header = rule.test(text) ? wholeText(this.previous?.toString("utf8", 0, looked) ?? "", this.hide) : "";
        if (/^\S.*:\d+$/.test(header)) {
            this.previous = undefined;
            this.isInExcerpt = true;
            this.excerpt = [header, text];
            return;
        }
        this.keepPrevious();
        if (text.startsWith("ERROR: ")) {
            const first = wholeText(line.toString("utf8"), this.hide);
            this.error = { first, more: new LastLines(mostLines, this.hide) };
        } else {
            this.previous = line;
        }
    }

    /** They are plain; all but the error's first are cut off where they are too long to be shown. */
    all(): string[] {
        this.keepPrevious();
        const { first, more } = this.error ?? {};
        return [...this.others.all(), ...this.excerpt.map(cutOff), ...(first ? [first] : []), ...(more?.all() ?? [])];
    }

    private addToExcerpt(text: string): void {
        this.isInExcerpt = !rule.test(text);
        this.excerpt.push(text);
        const surplus = this.excerpt.length - (2 + firstLines + 1 + lastLines);
        if (this.isInExcerpt && surplus > 0) {
            this.excerpt.splice(2 + firstLines, 1 + surplus, "     | ...");
        }
    }

    private keepPrevious(): void {
        if (this.previous) {
            const lines = this.error?.more ?? this.others;
            lines.write(this.previous);
            lines.write(Buffer.from("\n"));
            this.previous = undefined;
        }
    }
}
