/** What policies are made of: values that are strings or lists of them, and patterns. For tests. */

/** Whether a text matches a pattern in which `*` stands for any characters and `?` for one. */
export function matches(pattern: string, text: string, ignoreCase = false): boolean {
    const source = replaceWildcards(pattern, () => ".");
    return new RegExp(`^${source}$`, ignoreCase ? "is" : "s").test(text);
}

/**
 * Whether an ARN matches the pattern of a `Resource` element. A wildcard stays within its segment, between two colons,
 * unless it is the last character there: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
export function matchesArn(pattern: string, arn: string): boolean {
    const source = replaceWildcards(pattern, (wildcard, next) =>
        wildcard === "*" && (next === ":" || next === "") ? "." : "[^:]",
    );
    return pattern === "*" || new RegExp(`^${source}$`, "s").test(arn);
}

/** As the condition operators for ARNs compare: each of the six segments by itself. */
export function matchesSegments(pattern: string, arn: string): boolean {
    const [wanted, found] = [segments(pattern), segments(arn)];
    return wanted.length === found.length && wanted.every((segment, index) => matches(segment, found[index] ?? ""));
}

function segments(arn: string): string[] {
    const parts = arn.split(":");
    return [...parts.slice(0, 5), parts.slice(5).join(":")];
}

/** A regular expression's source; `one` gives that of one character that a wildcard stands for. */
function replaceWildcards(pattern: string, one: (wildcard: string, next: string) => string): string {
    return pattern.replace(/[\\^$.|+(){}[\]*?]/g, (character, offset: number) => {
        if (character !== "*" && character !== "?") {
            return `\\${character}`;
        }
        return `${one(character, pattern.charAt(offset + 1))}${character === "*" ? "*" : ""}`;
    });
}

/** @throws Error unless it is a string or a list of them. */
export function texts(given: unknown, what: string): string[] {
    const values = Array.isArray(given) ? given : [given];
    if (values.length === 0 || values.some((value) => typeof value !== "string")) {
        throw new Error(`${what}: one string or more is needed, not ${JSON.stringify(given)}`);
    }
    return values as string[];
}

/** @throws Error unless it is an object. */
export function asObject(given: unknown, what: string): { [name: string]: unknown } {
    if (typeof given !== "object" || given === null || Array.isArray(given)) {
        throw new Error(`${what} is no object: ${JSON.stringify(given)}`);
    }
    return given as { [name: string]: unknown };
}
