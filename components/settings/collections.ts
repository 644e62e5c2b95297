import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { knownPlatforms, type Platform } from "../architecture";
import { Given } from "./given";
import { checked, insteadOf, secretText } from "./kinds";
import { secretMistake } from "./secretMistakes";

/** A list of such values. @param what what is meant, as in "a list of tags" */
export function listOf<T extends v.GenericSchema>(what: string, item: T) {
    return v.array(item, ({ input }) => insteadOf(what, input).mistake);
}

/** Before valibot takes a list for an object. */
function someObject(what: string) {
    return v.custom<object>(isObject, ({ input }) => insteadOf(what, input).mistake);
}

export function isObject(value: unknown): value is { [key: string]: unknown } {
    const isOther = Array.isArray(value) || value instanceof Given || pulumi.Output.isInstance(value);
    return typeof value === "object" && value !== null && !isOther;
}

/** Names, each with such a value. @param what what is meant, as in "labels, NAME: value" */
export function mapOf<T extends v.GenericSchema>(what: string, value: T, name: RegExp = /./) {
    const key = v.pipe(
        v.string(),
        v.regex(name, ({ input }) => `${JSON.stringify(input)} cannot be a name here`),
    );
    return v.pipe(someObject(what), v.record(key, value));
}

/** Secrets by name. No message shows what was given in their place, which may be a secret. */
export function secretMap() {
    const isMap = v.custom<object>(
        isObject,
        "must be NAME: value; set each by: pulumi config set --secret --path buildSecrets.NAME VALUE",
    );
    const secret = secretText(
        "--path buildSecrets.NAME VALUE",
        "must be one text; remove it, and name an id with dots as in " +
            `pulumi config set --secret --path 'buildSecrets["pip.conf"]' VALUE`,
    );
    const buildable = checked(secret, (value) => [secretMistake(value) ?? []].flat());
    return v.pipe(isMap, v.record(v.string(), buildable));
}

/** The values of such keys. */
type Values<E extends v.ObjectEntries> = v.InferOutput<v.ObjectSchema<E, undefined>>;

/**
 * An object of these keys and no others.
 *
 * @param what what is meant, as in "{context: FOLDER, ...}"
 * @param noSuchKey the mistake of any other key
 */
export function keysOf<E extends v.ObjectEntries>(
    what: string,
    entries: E,
    noSuchKey = `no such key; there are ${Object.keys(entries).join(", ")}`,
) {
    const schema = v.pipe(someObject(what), v.objectWithRest(entries, v.never(noSuchKey)));
    // valibot's own type has `never` for every key, the known keys too.
    return schema as unknown as v.GenericSchema<unknown, Values<E>>;
}

/**
 * Platforms, each with such a value.
 *
 * @param what what is meant, as in "PLATFORM: instance type"
 * @param platforms those that may have one. @default all
 */
export function byPlatform<T extends v.GenericSchema>(
    what: string,
    value: T,
    platforms: readonly Platform[] = knownPlatforms,
) {
    const entries = Object.fromEntries(platforms.map((platform) => [platform, v.optional(value)])) as {
        [P in Platform]: v.OptionalSchema<T, undefined>;
    };
    return keysOf(what, entries, `no such platform here; use: ${platforms.join(", ")}`);
}
