import { specialOutputValueSig, specialSecretSig, specialSigKey, unknownValue } from "@pulumi/pulumi/runtime/rpc";

/** Properties of a resource as the engine sends them. */
export type Properties = { [name: string]: unknown };

function isObject(value: unknown): value is Properties {
    return typeof value === "object" && value !== null;
}

/** The value without the marks of secrets and outputs, at any depth. Unknown values of a preview stay. */
export function plain(value: unknown): unknown {
    if (Array.isArray(value)) {
        return value.map(plain);
    }
    if (!isObject(value)) {
        return value;
    }
    switch (value[specialSigKey]) {
        case specialSecretSig:
            return plain(value.value);
        case specialOutputValueSig:
            return "value" in value ? plain(value.value) : unknownValue;
    }
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

/** Whether it contains a secret, at any depth. */
function holdsSecret(value: unknown): boolean {
    if (!isObject(value)) {
        return false;
    }
    return isMarked(value) || Object.values(value).some(holdsSecret);
}

function isMarked(value: Properties): boolean {
    return value[specialSigKey] === specialSecretSig || (isOutput(value) && value.secret === true);
}

function isOutput(value: Properties): boolean {
    return value[specialSigKey] === specialOutputValueSig;
}

/** Whether something in it is known only when other resources are there. */
export function isUnknown(value: unknown): boolean {
    return value === unknownValue || (isObject(value) && Object.values(value).some(isUnknown));
}

/** Names of the properties that hold a secret. */
export function secretProperties(properties: Properties): string[] {
    return Object.keys(properties).filter((name) => holdsSecret(properties[name]));
}

/** The texts, numbers and booleans among these properties that are secrets, at any depth, as they are shown. */
export function secretTexts(value: unknown, isSecret = false): string[] {
    if (!isObject(value)) {
        return isSecret && value !== undefined && value !== null ? [String(value)] : [];
    }
    const inner = specialSigKey in value ? [value.value] : Object.values(value);
    return inner.flatMap((one) => secretTexts(one, isSecret || isMarked(value)));
}

/** The properties, with these marked as secrets, each as a whole. Properties without a value are left out. */
export function withSecrets(properties: object, names: readonly string[]): Properties {
    const known = Object.entries(properties).filter(([, value]) => value !== undefined);
    return Object.fromEntries(
        known.map(([name, value]) => [
            name,
            names.includes(name) ? { [specialSigKey]: specialSecretSig, value } : value,
        ]),
    );
}
