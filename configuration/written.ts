import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import type { Document, Pair, Scalar } from "yaml";

/** How a value of the configuration is written in the stack file. */
export interface Source {
    text: string;
    isQuoted: boolean;
}

type Path = readonly (string | number)[];

/** The stack file's own text: what was written, as far as Pulumi has not written the file anew since. */
export interface StackFile {
    /** How the value at a path is written, as in `["images", "app", "args", "V"]`. Undefined if it is not there. */
    sourceOf(at: Path): Source | undefined;
    /** Whether a setting is written as a text, and not as an object or a list. */
    hasAsText(setting: string): boolean;
}

/**
 * A value that may be another one than the user wrote: YAML makes numbers and points in time of what looks like them, and
 * Pulumi writes the short form of a number back into the stack file before the program starts. Where a number or a boolean
 * is meant that does not matter; the file is looked up where a text is.
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
            return { mistake: `YAML makes ${made} of ${source.text}; quote it: "${source.text}"` };
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

/** What is told of a number that may have had more digits, whatever the file has now: Pulumi may have written it. */
function shortened(value: number): string {
    return Math.abs(value) < Number.MAX_SAFE_INTEGER
        ? `YAML and Pulumi shorten numbers, ${value} may have been ${value}0; quote it, as in "${value}0"`
        : "YAML and Pulumi round numbers of more than 15 digits; quote it";
}

/** A point in time as Go prints it, which is what Pulumi makes of `2024-01-01`. */
const pointInTime = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \S+$/;
const midnight = / 00:00:00 \+0000 UTC$/;
/** Of a setting at the top of the configuration even a number arrives as text. */
const looksLikeNumber = /^[-+]?[0-9][0-9.e+]*$/;

/** The same value, with each scalar that may not be what the user wrote as a `Given`. */
export function marked(value: unknown, file: StackFile, at: Path): unknown {
    if (Array.isArray(value)) {
        return value.map((item, index) => marked(item, file, [...at, index]));
    }
    if (typeof value === "object" && value !== null) {
        const entries = Object.entries(value).map(([key, item]) => [key, marked(item, file, [...at, key])]);
        return Object.fromEntries(entries);
    }
    const isSuspect =
        typeof value === "number" ||
        typeof value === "boolean" ||
        (typeof value === "string" && (pointInTime.test(value) || looksLikeNumber.test(value)));
    return isSuspect ? new Given(value, () => file.sourceOf(at)) : value;
}

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

/** Reads `Pulumi.STACK.yaml`, and understands it only when it is asked: most configurations have nothing to look up. */
export function stackFile(project: string, stack: string, namespace: string): StackFile {
    const file = path.join(project, `Pulumi.${stack}.yaml`);
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    let understood: ((at: Path) => Source | undefined) | undefined;
    const sourceOf = ([setting, ...rest]: Path) => {
        understood ??= yamlSources(text);
        return (
            understood(["config", `${namespace}:${setting}`, ...rest]) ?? understood(["config", `${setting}`, ...rest])
        );
    };
    return {
        sourceOf,
        hasAsText: (setting) =>
            new RegExp(`${setting}["']?\\s*:\\s*["'|>]`).test(text) && sourceOf([setting]) !== undefined,
    };
}

function yamlSources(text: string): (at: Path) => Source | undefined {
    // Loaded here: it takes a while.
    const yaml = require("yaml") as typeof import("yaml");
    const document = yaml.parseDocument(text);
    return (at) => scalarAt(yaml, document, at);
}

function scalarAt(yaml: typeof import("yaml"), document: Document, at: Path): Source | undefined {
    const resolved = (node: unknown): unknown => (yaml.isAlias(node) ? node.resolve(document) : node);
    let node = resolved(document.contents);
    for (const step of at) {
        const next: unknown = yaml.isMap(node)
            ? node.items.find((pair: Pair) => keyOf(pair) === String(step))?.value
            : yaml.isSeq(node)
              ? node.items[Number(step)]
              : undefined;
        node = resolved(next);
    }
    if (!yaml.isScalar(node)) {
        return undefined;
    }
    const { source = "", type, tag } = node as Scalar;
    return { text: source, isQuoted: type !== "PLAIN" || tag === "tag:yaml.org,2002:str" };
}

function keyOf({ key }: Pair): string {
    const { source, value } = key as Scalar;
    return source ?? String(value);
}
