/** How BuildKit reads a text of a Dockerfile. */
export interface Reading {
    /** The escape character. */
    escapeChar: string;
    /** Values of variables; those that are not among them are unset. @default variables stay as they are written */
    variables?: ReadonlyMap<string, string>;
    /** Quotes and escape characters stay. @default false */
    raw?: boolean;
}

/**
 * A text with its quotes taken off and its variables replaced: `$NAME`, `${NAME}`, and `${NAME:-WORD}` with each of the
 * operators `-`, `+` and `?`, nested too.
 *
 * @returns undefined where BuildKit refuses it, or where it has an operator that cuts or replaces parts of a value
 */
export function expanded(text: string, reading: Reading): string | undefined {
    return lexed(text, reading)?.text;
}

/** The words of a text, split at blanks outside quotes. Undefined where BuildKit does not split it. */
export function splitWords(text: string, reading: Reading): string[] | undefined {
    return lexed(text, reading)?.words;
}

/** What a text is read as, as a whole and in words. */
interface Lexed {
    text: string;
    words: string[];
}

class NotUnderstood extends Error {}

function lexed(text: string, reading: Reading): Lexed | undefined {
    try {
        return new Lexer(text, reading).readTo(undefined);
    } catch (error) {
        if (error instanceof NotUnderstood) {
            return undefined;
        }
        throw error;
    }
}

const isBlank = (char: string) => /\s/.test(char);
/** What may follow `$` besides a name, as in `$?`. */
const specialNames = "@*#?-$!0";

class Lexer {
    private readonly chars: string[];
    private at = 0;
    /** The word that is being read. */
    private word = "";

    constructor(
        text: string,
        private readonly reading: Reading,
    ) {
        this.chars = Array.from(text);
    }

    /** @param stop the character that ends it; without one it ends where the text does */
    readTo(stop: string | undefined, raw = this.reading.raw ?? false): Lexed {
        this.word = "";
        const words: string[] = [];
        const endWord = () => {
            if (this.word) {
                words.push(this.word);
            }
            this.word = "";
        };
        let text = "";
        for (let char = this.next(); char !== stop; char = this.next()) {
            if (char === undefined) {
                throw new NotUnderstood();
            }
            const kept = char === "$" ? this.variable() : this.unsplit(char, raw);
            text += kept ?? char;
            if (kept !== undefined && char !== "$") {
                this.word += kept;
                continue;
            }
            for (const one of Array.from(kept ?? char)) {
                if (isBlank(one)) {
                    endWord();
                } else {
                    this.word += one;
                }
            }
        }
        endWord();
        return { text, words };
    }

    private next(): string | undefined {
        return this.chars[this.at++];
    }

    private peek(): string | undefined {
        return this.chars[this.at];
    }

    /** What a character begins in which blanks end no word. */
    private unsplit(char: string, raw: boolean): string | undefined {
        switch (char) {
            case "'":
                return this.quoted(char, () => undefined);
            case '"':
                return this.quoted(char, (inside) => this.inDoubleQuotes(inside, raw));
            case "<":
                return char + this.restOfHeredocSign();
            case this.reading.escapeChar:
                return (raw ? char : "") + (this.next() ?? "");
            default:
                return undefined;
        }
    }

    /** A blank between `<<` and its word does not end a word. */
    private restOfHeredocSign(): string {
        let rest = "";
        if (this.peek() === "<") {
            do {
                rest += this.next();
            } while (/[\t\r ]/.test(this.peek() ?? ""));
        }
        return rest;
    }

    private quoted(quote: string, special: (char: string) => string | undefined): string {
        let text = "";
        for (let char = this.next(); char !== quote; char = this.next()) {
            if (char === undefined) {
                throw new NotUnderstood();
            }
            text += special(char) ?? char;
        }
        return this.reading.raw ? quote + text + quote : text;
    }

    private inDoubleQuotes(char: string, raw: boolean): string | undefined {
        const { escapeChar } = this.reading;
        if (char === "$") {
            return this.variable();
        }
        if (char !== escapeChar) {
            return undefined;
        }
        const isEscaped = ['"', "$", escapeChar].includes(this.peek() ?? "");
        return raw ? char + (isEscaped ? this.next() : "") : isEscaped ? this.next() : char;
    }

    /** What is behind a `$`. */
    private variable(): string {
        if (this.peek() !== "{") {
            const name = this.name();
            return name ? this.valueOf(name, `$${name}`) : "$";
        }
        this.next();
        const name = this.name();
        let operator = this.next() ?? "";
        if (operator === "}" && name) {
            return this.valueOf(name, `\${${name}}`);
        }
        const isColon = operator === ":" && name !== "";
        operator = isColon ? (this.next() ?? "") : operator;
        if ("-+?".includes(operator) && operator) {
            return this.conditional(name, isColon, operator);
        }
        // Where variables stay, only the end of it counts.
        if (this.reading.variables || isColon || !"#%/".includes(operator) || !operator) {
            throw new NotUnderstood();
        }
        const words = (operator === "/" ? ["/", "}"] : ["}"]).map((stop) => this.readTo(stop, true).text);
        return `\${${name}${operator}${words.join("/")}}`;
    }

    private conditional(name: string, isColon: boolean, operator: string): string {
        const word = this.readTo("}", false).text;
        const { variables } = this.reading;
        if (!variables) {
            return `\${${name}${isColon ? ":" : ""}${operator}${word}}`;
        }
        const value = variables.get(name);
        const isSet = value !== undefined && !(isColon && value === "");
        if (operator === "?" && !isSet) {
            throw new NotUnderstood();
        }
        return operator === "+" ? (isSet ? word : "") : isSet ? value : operator === "-" ? word : "";
    }

    private valueOf(name: string, written: string): string {
        const { variables } = this.reading;
        return variables ? (variables.get(name) ?? "") : written;
    }

    private name(): string {
        const rest = this.chars.slice(this.at).join("");
        const special = specialNames.includes(this.peek() ?? " ") ? this.peek() : undefined;
        const name = /^\p{Nd}+/u.exec(rest)?.[0] ?? special ?? /^[\p{L}\p{Nd}_]*/u.exec(rest)?.[0] ?? "";
        this.at += Array.from(name).length;
        return name;
    }
}
