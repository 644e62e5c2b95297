import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { Given } from "./given";

/** A check of one value of the configuration, and the JSON schema that says the same. */
interface Kind<T> {
    /** The value as the program uses it, or why it is none, as in `must be ...`. */
    read(value: unknown): { value: T } | { mistake: string };
    json: { [keyword: string]: unknown };
}

/** The schema of a kind. Its metadata has the JSON schema for editors. */
function schemaOf<T>({ read, json }: Kind<T>) {
    return v.pipe(
        v.unknown(),
        v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
            const result = read(dataset.value);
            if ("mistake" in result) {
                addIssue({ message: result.mistake });
                return NEVER;
            }
            return result.value;
        }),
        v.metadata(json),
    );
}

/** A mistake that shows what was given, as far as that can be told. */
export function insteadOf(what: string, value: unknown): { mistake: string } {
    if (pulumi.Output.isInstance(value)) {
        return { mistake: "must be known when the program runs; an output is not" };
    }
    const shown = pulumi.Resource.isInstance(value) ? "a resource" : JSON.stringify(value);
    return { mistake: `must be ${what}, not ${shown ?? "nothing"}` };
}

/** How a text is checked further. */
export interface TextOptions {
    /** What it looks like. */
    pattern?: RegExp;
    /** @default false */
    mayBeEmpty?: boolean;
}

/**
 * A text. A number or a boolean counts as it was written, and is refused if YAML or Pulumi has changed it.
 *
 * @param what what is meant, as in "the name of a stage"
 */
export function text(what: string, { pattern, mayBeEmpty = false }: TextOptions = {}) {
    return schemaOf<string>({
        read: (value) => {
            if (!["string", "number", "boolean"].includes(typeof plain(value))) {
                return insteadOf(what, value);
            }
            const given = value instanceof Given ? value.asText() : new Given(value as string).asText();
            if ("mistake" in given) {
                return given;
            }
            const isRight = given.value === "" ? mayBeEmpty : !pattern || pattern.test(given.value);
            return isRight ? given : insteadOf(what, given.value);
        },
        json: {
            type: ["string", "integer", "boolean"],
            ...(mayBeEmpty ? {} : { minLength: 1 }),
            ...(pattern ? { pattern: mayBeEmpty ? `^$|${pattern.source}` : pattern.source } : {}),
        },
    });
}

/** A text that may be empty, which means that the setting is not set. @param pattern what it else looks like */
export function optionalText(what: string, pattern?: RegExp) {
    return text(what, { pattern, mayBeEmpty: true });
}

/** For numbers and booleans, where it does not matter how they were written. */
function plain(value: unknown): unknown {
    return value instanceof Given ? value.value : value;
}

const numberText = /^-?[0-9.]+$/;

/** A number, even if Pulumi hands it over as text; anything else unchanged. */
function numberIn(value: unknown): unknown {
    const given = plain(value);
    return typeof given === "string" && numberText.test(given) ? Number(given) : given;
}

/** The JSON schema of a number, also as the text that `pulumi config set` makes of it. */
function numberJson(type: "integer" | "number", limits: { minimum: number; maximum?: number }) {
    return { type: [type, "string"], ...limits, pattern: numberText.source };
}

/** A whole number. At the top of the configuration Pulumi hands numbers over as text. */
export function wholeNumber(low: number, high: number) {
    return schemaOf<number>({
        read: (value) => {
            const number = numberIn(value);
            return Number.isInteger(number) && (number as number) >= low && (number as number) <= high
                ? { value: number as number }
                : insteadOf(`a whole number from ${low} to ${high}`, number);
        },
        json: numberJson("integer", { minimum: low, maximum: high }),
    });
}

/** A number of minutes, which may be a fraction. */
export function minutes(low: number, high: number) {
    return schemaOf<number>({
        read: (value) => {
            const number = numberIn(value);
            return typeof number === "number" && number >= low && number <= high
                ? { value: number }
                : insteadOf(`a number of minutes from ${low} to ${high}`, number);
        },
        json: numberJson("number", { minimum: low, maximum: high }),
    });
}

/** A price, even if `pulumi config set --path` has made it a text. */
export function price() {
    return schemaOf<number>({
        read: (value) => {
            const number = numberIn(value);
            return typeof number === "number" && number >= 0
                ? { value: number }
                : insteadOf("a price in US dollars", plain(value));
        },
        json: numberJson("number", { minimum: 0 }),
    });
}

/** A boolean of its text, as `pulumi config set` makes one. */
function asFlag(given: unknown): unknown {
    return given === "true" || given === "false" ? given === "true" : given;
}

/** True or false. */
export function flag() {
    return schemaOf<boolean>({
        read: (value) => {
            const given = asFlag(plain(value));
            return typeof given === "boolean" ? { value: given } : insteadOf("true or false", given);
        },
        // `pulumi config set` makes a text of it.
        json: { enum: [true, false, "true", "false"] },
    });
}

/** One of some words, or a boolean where that is one of them. */
export function oneOf<const T extends string | boolean>(...words: readonly T[]) {
    return schemaOf<T>({
        read: (value) => {
            const given = plain(value);
            const known = words.map((word) => JSON.stringify(word)).join(" or ");
            return words.includes(given as T) ? { value: given as T } : insteadOf(known, given);
        },
        json: { enum: words },
    });
}

/** A word of a table, as in "there is no X". */
export function choice<const T extends string>(...words: readonly T[]) {
    return schemaOf<T>({
        read: (value) =>
            words.includes(value as T)
                ? { value: value as T }
                : { mistake: `there is no ${JSON.stringify(value)}; use one of: ${words.join(", ")}` },
        json: { enum: words },
    });
}

/**
 * A secret. No message shows it.
 *
 * @param how what follows `pulumi config set --secret`
 * @param otherwise the mistake of a value that is no text
 */
export function secretText(how: string, otherwise: string) {
    const words = text("a text", { mayBeEmpty: true });
    return schemaOf<string>({
        read: (value) => {
            const result = v.safeParse(words, value);
            if (result.success) {
                return { value: result.output };
            }
            const changed = `YAML has changed it on its way; take it out, and set another by: pulumi config set --secret ${how}`;
            return { mistake: value instanceof Given ? changed : otherwise };
        },
        json: {
            anyOf: [
                { type: ["string", "integer", "boolean"] },
                { type: "object", properties: { secure: { type: "string" } }, required: ["secure"] },
            ],
        },
    });
}

/** True, false, or a text that says more than true. @param what what is meant, `true` and `false` among it */
export function flagOrText(what: string) {
    return schemaOf<boolean | string>({
        read: (value) => {
            const given = asFlag(plain(value));
            return typeof given === "boolean" || (typeof given === "string" && given !== "")
                ? { value: given }
                : insteadOf(what, given);
        },
        json: { type: ["boolean", "string"], minLength: 1 },
    });
}

/** Such a value, checked further. @param mistakesOf what is wrong with a value, each as one line */
export function checked<T extends v.GenericSchema>(schema: T, mistakesOf: (value: v.InferOutput<T>) => string[]) {
    return v.pipe(
        schema,
        v.rawCheck(({ dataset, addIssue }) => {
            for (const message of dataset.typed ? mistakesOf(dataset.value) : []) {
                addIssue({ message });
            }
        }),
    );
}

/**
 * A key of an object that may be left out.
 *
 * @param meaning what the table of docs/configuration.md and editors say of it
 * @param byDefault what holds without it, in the table's words
 */
export function key<T extends v.GenericSchema>(schema: T, meaning: string, byDefault: string) {
    return v.pipe(v.optional(schema), v.description(meaning), v.metadata({ byDefault }));
}

/**
 * A setting of the stack.
 *
 * @param byDefault what holds without it; Pulumi.yaml has the same
 * @param meaning what the table of docs/configuration.md, Pulumi.yaml and editors say of it
 */
export function setting<T extends v.GenericSchema>(schema: T, byDefault: v.InferOutput<T>, meaning: string) {
    return v.pipe(
        v.optional(schema, () => byDefault as v.InferInput<T>),
        v.description(meaning),
        v.metadata({ byDefault }),
    );
}
