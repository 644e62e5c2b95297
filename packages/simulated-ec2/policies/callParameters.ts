/** Reads tags out of recorded calls: each protocol of AWS's writes them in its own way. For tests. */
import type { Call } from "../control";

type Parameters = { readonly [name: string]: unknown };

/** The tags that a call gives to resources of this kind; to whatever it is about, where it does not say to what. */
export function requestTags(call: Call, kind: string): { [key: string]: string } {
    const { parameters = {} } = call;
    const tags: { [key: string]: string } = { ...listed(parameters.Tags), ...listed(parameters.tags) };
    for (const prefix of ["Tag.", "Tags.member.", ...specifications(parameters, kind)]) {
        Object.assign(tags, numbered(parameters, prefix));
    }
    return tags;
}

/** The kinds of resources that a call of EC2's makes with tags. */
export function taggedTypes(call: Call): string[] {
    const { parameters = {} } = call;
    const types = Object.entries(parameters).filter(([name]) => /^TagSpecification\.\d+\.ResourceType$/.test(name));
    return [...new Set(types.map(([, type]) => String(type)))].filter(
        (type) => Object.keys(requestTags(call, type)).length > 0,
    );
}

function specifications(parameters: Parameters, kind: string): string[] {
    return Object.entries(parameters)
        .filter(([name, value]) => /^TagSpecification\.\d+\.ResourceType$/.test(name) && value === kind)
        .map(([name]) => name.replace(/ResourceType$/, "Tag."));
}

/** `Tag.1.Key`, `Tag.1.Value`, as the query protocol writes a list. */
function numbered(parameters: Parameters, prefix: string): { [key: string]: string } {
    return Object.fromEntries(
        Object.entries(parameters)
            .filter(([name]) => name.startsWith(prefix) && /^\d+\.Key$/.test(name.slice(prefix.length)))
            .map(([name, key]) => [String(key), String(parameters[name.replace(/Key$/, "Value")] ?? "")]),
    );
}

function listed(tags: unknown): { [key: string]: string } {
    const list = Array.isArray(tags) ? (tags as { Key?: string; Value?: string }[]) : [];
    return Object.fromEntries(list.map(({ Key, Value }) => [Key ?? "", Value ?? ""]));
}
