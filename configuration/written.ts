import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import type { Document, Pair, Scalar } from "yaml";

/**
 * A value that may be another one than the user wrote: YAML makes numbers and points in time of what looks like them, and
 * Pulumi writes the short form of a number back into the stack file before the program starts.
 */
export class Altered {
    /**
     * @param value what arrived
     * @param written how the stack file has it, where that is known and another text
     */
    constructor(
        readonly value: unknown,
        readonly written?: string,
    ) {}

    /** What to do where a text is meant. */
    remedy(): string {
        if (this.written !== undefined) {
            return `YAML makes ${this} of ${this.written}; quote it: "${this.written}"`;
        }
        if (typeof this.value === "string") {
            return `YAML has made a point in time of it (${this}); quote it: "${this.value.replace(midnight, "")}"`;
        }
        return Math.abs(Number(this.value)) < Number.MAX_SAFE_INTEGER
            ? `YAML and Pulumi shorten numbers, ${this} may have been ${this}0; quote it, as in "${this}0"`
            : "YAML and Pulumi round numbers of more than 15 digits; quote it";
    }

    toJSON(): unknown {
        return this.value;
    }

    toString(): string {
        return String(this.value);
    }
}

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

/** A point in time as Go prints it, which is what Pulumi makes of `2024-01-01`. */
const pointInTime = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \S+$/;
const midnight = / 00:00:00 \+0000 UTC$/;

/** The same value, with each scalar that may not be what the user wrote marked as such. */
export function marked(value: unknown, file: StackFile, at: Path): unknown {
    if (Array.isArray(value)) {
        return value.map((item, index) => marked(item, file, [...at, index]));
    }
    if (typeof value === "object" && value !== null) {
        const entries = Object.entries(value).map(([key, item]) => [key, marked(item, file, [...at, key])]);
        return Object.fromEntries(entries);
    }
    return isSuspect(value) ? markedScalar(value, file.sourceOf(at)) : value;
}

/** Whether it is worth a look into the file. */
function isSuspect(value: unknown): boolean {
    return typeof value === "string"
        ? pointInTime.test(value) || looksLikeNumber.test(value)
        : typeof value === "number" || typeof value === "boolean";
}

/** Of a setting at the top of the configuration even a number arrives as text. */
const looksLikeNumber = /^[-+]?[0-9][0-9.e+]*$/;

function markedScalar(value: unknown, source: Source | undefined): unknown {
    if (source?.isQuoted && source.text === value) {
        return value;
    }
    if (typeof value === "string") {
        const isNumber = source && !source.isQuoted && source.text !== value && numberOf(source.text) === Number(value);
        return isNumber ? new Altered(value, source.text) : pointInTime.test(value) ? pointOf(value, source) : value;
    }
    const isSame = source && !source.isQuoted && wordValue(source.text) === value;
    if (isSame && source.text !== String(value)) {
        return new Altered(value, source.text);
    }
    // 3.1 may have been 3.10: Pulumi writes a stack file anew, and shortens its numbers, before the program sees it.
    return typeof value === "boolean" || Number.isSafeInteger(value) ? value : new Altered(value);
}

function pointOf(value: string, source: Source | undefined): Altered {
    const written = source && !source.isQuoted && source.text !== value && value.startsWith(source.text.slice(0, 10));
    return written ? new Altered(value, source.text) : new Altered(value);
}

/** What Pulumi's YAML makes of an unquoted word, as far as it is a number or a boolean. */
function wordValue(word: string): unknown {
    return /^true$/i.test(word) ? true : /^false$/i.test(word) ? false : numberOf(word);
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
    const document = yaml.parseDocument(text, { merge: true });
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
