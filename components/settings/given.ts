/** How a value of the configuration is written in the stack file. */
export interface Source {
    text: string;
    isQuoted: boolean;
}

/**
 * A value that may differ from what the user wrote: YAML turns what looks like a number or a date into that, and Pulumi
 * writes the short form of a number back into the stack file before the program starts. Where a number or a boolean is
 * meant, that does not matter; where a text is meant, the file is looked up.
 */
export class Given {
    constructor(
        readonly value: string | number | boolean,
        /** @default not known */
        private readonly source: () => Source | undefined = () => undefined,
    ) {}

    /** The text that was written, or why that is not known. */
    asText(): { value: string } | { mistake: string } {
        const { value } = this;
        const made = String(value);
        const source = this.source();
        if (source?.isQuoted && source.text === value) {
            return { value };
        }
        if (source && !source.isQuoted && source.text !== made && isMadeOf(value, source.text)) {
            return { mistake: changed(made, source.text) };
        }
        if (typeof value === "string" && pointInTime.test(value)) {
            const date = value.replace(midnight, "");
            return { mistake: `YAML has made a point in time of it (${made}); quote it: "${date}"` };
        }
        return typeof value !== "number" || Number.isSafeInteger(value)
            ? { value: made }
            : { mistake: shortened(value) };
    }

    toJSON(): unknown {
        return this.value;
    }
}

/** The mistake of a word that is not what YAML makes of it. Pulumi itself may have written such a number, for any digits. */
function changed(made: string, word: string): string {
    return /^[-+]?[\d.]+e[-+]\d\d+$/.test(word)
        ? `YAML and Pulumi write numbers anew, this one as ${word}; write the value that you mean in quotes`
        : `YAML makes ${made} of ${word}; quote it: "${word}"`;
}

/** The mistake of a number that may have had more digits: Pulumi may have rewritten the file since. */
function shortened(value: number): string {
    return Math.abs(value) < Number.MAX_SAFE_INTEGER
        ? `YAML and Pulumi shorten numbers, ${value} may have been ${value}0; quote it, as in "${value}0"`
        : "YAML and Pulumi round numbers of more than 15 digits; quote it";
}

/** A point in time as Go prints it, which is what Pulumi makes of `2024-01-01`. */
export const pointInTime = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \S+$/;
const midnight = / 00:00:00 \+0000 UTC$/;
/** Whether the value is what Pulumi's YAML makes of an unquoted word: a number, a boolean or a point in time. */
function isMadeOf(value: string | number | boolean, word: string): boolean {
    switch (typeof value) {
        case "number":
            return numberOf(word) === value;
        case "boolean":
            return word.toLowerCase() === String(value);
        default:
            return pointInTime.test(value) ? value.startsWith(word.slice(0, 10)) : numberOf(word) === Number(value);
    }
}

function numberOf(word: string): number {
    const [, sign = "", digits = ""] = /^([-+]?)(.*)$/.exec(word.replaceAll("_", "")) ?? [];
    const octal = /^0([0-7]+)$/.exec(digits);
    const magnitude = Number(octal ? `0o${octal[1]}` : digits || "none");
    return sign === "-" && magnitude !== 0 ? -magnitude : magnitude;
}
