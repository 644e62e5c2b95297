import * as pulumi from "@pulumi/pulumi";

/**
 * Texts by name that may be outputs of other resources. Pulumi drops one that turns out to be undefined, as an output of another
 * stack by a wrong name does, and whatever needs it would be built without it; an object would be `[object Object]`.
 *
 * @param what whose they are, as in `Image app: args`
 * @throws RunError, when it is known, for one that is nothing or an object
 */
export function knownTexts(
    what: string,
    texts: { [name: string]: pulumi.Input<string> } = {},
): pulumi.Output<{ [name: string]: string }> {
    const known = Object.entries(texts).map(([name, text]) => [
        name,
        pulumi.output(text).apply((value) => knownText(`${what}.${name}`, value)),
    ]);
    return pulumi.output(Object.fromEntries(known)) as pulumi.Output<{ [name: string]: string }>;
}

/** Such texts that are secrets, also in the state, whether or not the program has marked them. */
export function knownSecrets(
    what: string,
    texts: { [name: string]: pulumi.Input<string> } = {},
): pulumi.Output<{ [name: string]: string }> {
    const known = knownTexts(what, texts);
    return Object.keys(texts).length > 0 ? pulumi.secret(known) : known;
}

/** The value, if it is one. A number or a boolean of a program is the text that it is shown as: only texts are secret everywhere. */
export function knownText(what: string, value: unknown): string {
    if (value === undefined || value === null) {
        throw new pulumi.RunError(
            `${what}: the value is undefined. Is its name right where it comes from, as in getOutput("NAME")?`,
        );
    }
    if (typeof value === "object") {
        throw new pulumi.RunError(
            `${what}: the value is an object. Hand over one of its values, or JSON.stringify of it`,
        );
    }
    return String(value);
}
