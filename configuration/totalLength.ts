import { isObject } from "../components/settings/collections";
import { pathText } from "../components/settings/mistakes";

/**
 * In bytes. The kernel's limit for one variable of a process is 131072, and the program itself may get them so, with longer
 * names and the settings of others: what is a little shorter than that can still be told.
 */
const longest = 128_000;

/** Package of the provider. */
const provider = "native-buildx";

/**
 * What is wrong with the length of all settings together. Pulumi hands those in the namespace of a provider's name to its
 * process in one variable; where that is too long, no command can start the provider, and Pulumi says so in words of the system.
 *
 * @param config the whole configuration, as Pulumi has it: a text by `NAMESPACE:SETTING`
 */
export function totalLengthMistakes(config: { [key: string]: string }): string[] {
    const prefix = `${provider}:`;
    const own = Object.entries(config)
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, text]) => [key.slice(prefix.length), text] as const);
    const length = bytesOf(Object.fromEntries(own));
    if (length <= longest) {
        return [];
    }
    const [at, size] = longestPart(own);
    return [
        `${at}: all settings together are ${length} bytes as Pulumi hands them to the provider, newlines and quotes escaped, ` +
            `and may be ${longest}; this value, ${size} of them, is the longest: let the steps fetch long secrets, and write many ` +
            "images as one, by a pattern",
    ];
}

/** The longest setting, or the longest value in it where it is a list or an object; and its bytes. */
function longestPart(settings: (readonly [string, string])[]): [string, number] {
    const parts = settings.flatMap(([name, text]) => {
        const value = structured(text);
        const inner = isObject(value) ? Object.entries(value) : [];
        return inner.length > 0
            ? inner.map(([key, one]): [string, number] => [pathText([name, key]), bytesOf(JSON.stringify(one))])
            : [[name, bytesOf(text)] as [string, number]];
    });
    return parts.reduce((longest, part) => (part[1] > longest[1] ? part : longest), ["", 0]);
}

function structured(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}

/** As JSON in Go has it, where these characters take six bytes. */
function bytesOf(value: unknown): number {
    return Buffer.byteLength(JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, "\\u0000"));
}
