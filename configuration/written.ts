import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import type { Document, Pair, Scalar } from "yaml";
import { Given, pointInTime, type Source } from "../components/settings/given";
import { stackFilePath } from "./stackFilePath";

type Path = readonly (string | number)[];

/** The stack file's own text: what was written, as far as Pulumi has not written the file anew since. */
export interface StackFile {
    /** Its path from the project's folder. It need not exist. */
    path: string;
    /** Whether it has a value at a path, of any kind. */
    has(at: Path): boolean;
    /** How the value at a path is written, as in `["images", "app", "args", "V"]`. Undefined if it is not there. */
    sourceOf(at: Path): Source | undefined;
    /** Whether a setting is written as a text, and not as an object or a list. */
    hasAsText(setting: string): boolean;
}

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

/** Reads a stack's file, and understands it only when it is asked: most configurations have nothing to look up. */
export function stackFile(project: string, stack: string, namespace: string): StackFile {
    const place = stackFilePath(project, stack);
    const file = path.join(project, place);
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    let understood: ((at: Path) => Written | undefined) | undefined;
    const valuesAt = ([setting, ...rest]: Path) => {
        understood ??= yamlValues(text);
        const keys = [`${namespace}:${setting}`, `${setting}`];
        return keys.flatMap((key) => understood?.(["config", key, ...rest]) ?? []);
    };
    const sourceOf = (at: Path) => valuesAt(at).find(({ source }) => source)?.source;
    return {
        path: place,
        has: (at) => valuesAt(at).length > 0,
        sourceOf,
        hasAsText: (setting) =>
            new RegExp(`${setting}["']?\\s*:\\s*["'|>]`).test(text) && sourceOf([setting]) !== undefined,
    };
}

/** A value in the file. */
interface Written {
    /** Undefined of a list or an object. */
    source?: Source;
}

function yamlValues(text: string): (at: Path) => Written | undefined {
    // Loaded here: it takes a while.
    const yaml = require("yaml") as typeof import("yaml");
    const document = yaml.parseDocument(text);
    return (at) => valueAt(yaml, document, at);
}

function valueAt(yaml: typeof import("yaml"), document: Document, at: Path): Written | undefined {
    const resolved = (node: unknown): unknown => (yaml.isAlias(node) ? node.resolve(document) : node);
    /** The pairs of a map, and after them those that it merges: the first that has a key counts. */
    const pairsOf = (map: unknown): Pair[] => {
        const own: Pair[] = yaml.isMap(map) ? map.items : [];
        const merged = own.filter(isMerge).map(({ value }) => resolved(value));
        const maps = merged.flatMap((node) => (yaml.isSeq(node) ? node.items.map(resolved) : [node]));
        return [...own, ...maps.flatMap(pairsOf)];
    };
    const node = at.reduce((from: unknown, step) => {
        const next = yaml.isSeq(from)
            ? from.items[Number(step)]
            : pairsOf(from).find((pair) => keyOf(pair) === String(step))?.value;
        return resolved(next);
    }, resolved(document.contents));
    if (!yaml.isScalar(node)) {
        return node === undefined ? undefined : {};
    }
    const { source = "", type, tag } = node as Scalar;
    return { source: { text: source, isQuoted: type !== "PLAIN" || tag === "tag:yaml.org,2002:str" } };
}

/** Whether it is `<<`, whose value's pairs are the map's too, where it has none of these keys itself. */
function isMerge({ key }: Pair): boolean {
    const { source, type } = key as Scalar;
    return source === "<<" && type === "PLAIN";
}

function keyOf({ key }: Pair): string {
    const { source, value } = key as Scalar;
    return source ?? String(value);
}
