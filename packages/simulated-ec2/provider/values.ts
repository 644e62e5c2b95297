/** A property as Pulumi sends it. */
export type Value = string | number | boolean | null | undefined | Value[] | { [name: string]: Value };
export type Properties = { [name: string]: Value };

/** The properties a type handles: `true`, or the properties of a nested object (or of each object of a list). */
export type Shape = { readonly [property: string]: true | Shape };

const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
/** Stands for a value that is not known before the update. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function isObject(value: Value): value is Properties {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Without the envelopes of secrets. `secrets` collects the names of the properties that had one. */
export function open(properties: Properties, secrets = new Set<string>()): Properties {
    const opened: Properties = {};
    for (const [name, value] of Object.entries(properties)) {
        if (hasSecret(value)) {
            secrets.add(name);
        }
        opened[name] = openValue(value);
    }
    return opened;
}

function hasSecret(value: Value): boolean {
    if (Array.isArray(value)) {
        return value.some(hasSecret);
    }
    return isObject(value) && (value[signature] === secretSignature || Object.values(value).some(hasSecret));
}

function openValue(value: Value): Value {
    if (Array.isArray(value)) {
        return value.map(openValue);
    }
    if (!isObject(value)) {
        return value;
    }
    if (value[signature] === secretSignature) {
        return openValue(value.value);
    }
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, openValue(inner)]));
}

/** Puts the envelope of a secret around these properties. */
export function close(properties: Properties, secrets: Iterable<string>): Properties {
    const closed = { ...properties };
    for (const name of secrets) {
        if (closed[name] !== undefined) {
            closed[name] = { [signature]: secretSignature, value: closed[name] };
        }
    }
    return closed;
}

/** Paths of properties that the shape does not know. */
export function strangers(value: Value, shape: Shape, path = ""): string[] {
    if (Array.isArray(value)) {
        return value.flatMap((item, index) => strangers(item, shape, `${path}[${index}]`));
    }
    if (!isObject(value)) {
        return [];
    }
    return Object.entries(value).flatMap(([name, inner]) => {
        if (inner === undefined || inner === null || name === "__defaults") {
            return [];
        }
        const at = path === "" ? name : `${path}.${name}`;
        const known = shape[name];
        if (known === undefined) {
            return [at];
        }
        return known === true ? [] : strangers(inner, known, at);
    });
}

/** Whether `wanted` asks for something else than `found` has. What `wanted` does not mention does not count. */
export function differs(wanted: Value, found: Value): boolean {
    if (wanted === undefined || wanted === null) {
        return found !== undefined && found !== null;
    }
    if (wanted === unknown) {
        return true;
    }
    if (Array.isArray(wanted)) {
        const others = Array.isArray(found) ? found : [];
        return wanted.length !== others.length || wanted.some((item) => others.every((other) => differs(item, other)));
    }
    if (isObject(wanted)) {
        const other = isObject(found) ? found : {};
        return Object.entries(wanted).some(([name, value]) => name !== "__defaults" && differs(value, other[name]));
    }
    return String(wanted) !== String(found ?? "");
}

export function text(value: Value): string {
    if (typeof value !== "string") {
        throw new Error(`a string was expected, not ${JSON.stringify(value)}`);
    }
    return value;
}

export function optionalText(value: Value): string | undefined {
    return value === undefined || value === null ? undefined : text(value);
}

export function optionalNumber(value: Value): number | undefined {
    return value === undefined || value === null ? undefined : Number(value);
}

export function list(value: Value): Value[] {
    return Array.isArray(value) ? value : [];
}

export function texts(value: Value): string[] {
    return list(value).map(text);
}

export function object(value: Value): Properties {
    return isObject(value) ? value : {};
}

export function tagMap(value: Value): { [key: string]: string } {
    return Object.fromEntries(Object.entries(object(value)).map(([key, tag]) => [key, text(tag)]));
}

/** Tags as the AWS APIs write them. */
export function tagList(value: Value): { Key: string; Value: string }[] {
    return Object.entries(tagMap(value)).map(([Key, Value]) => ({ Key, Value }));
}

/** Tags as Pulumi writes them. */
export function fromTagList(tags: { Key?: string; Value?: string }[] | undefined): Properties {
    return Object.fromEntries((tags ?? []).map(({ Key, Value }) => [Key ?? "", Value ?? ""]));
}
