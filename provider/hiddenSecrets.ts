import { wholeText } from "./progress/plainText";
import { type Properties, secretTexts } from "./values";

/** What is shown in a secret's place. */
const mark = "[secret]";
/** Shorter secrets, as a number, are in too much else. Pulumi's own limit for what it prints. */
const shortestHidden = 3;
/** Shorter lines, and beginnings, of a secret, as `true`, are in too much else. */
const shortestPart = 8;
/** The first and the last line of every key in PEM: they tell nothing. */
const pemFrame = /^-+(BEGIN|END) [A-Z0-9 ]+-+$/;

/**
 * A text without secrets. To be called before the text is cut off, or with the word that it was.
 *
 * @param isCut whether it may end within a secret. @default false
 */
export type Hide = (text: string, isCut?: boolean) => string;

/** A function that hides in a text the secrets among these properties, as Pulumi does in what it prints of a configuration. */
export function hiderOf(properties: Properties): Hide {
    const forms = [...new Set(secretTexts(properties).flatMap(formsOf))]
        // One may be a part of another.
        .sort((a, b) => b.length - a.length);
    const hideWhole = (text: string) => forms.reduce((shown, form) => shown.replaceAll(form, () => mark), text);
    return (text, isCut = false) => {
        // What is hidden already stays so, whatever a secret is.
        const shown = text.split(mark).map(hideWhole).join(mark);
        return isCut ? withoutBeginning(shown, forms) : shown;
    };
}

/** How a secret may be shown: whole, on one line, as Go quotes it in BuildKit's errors, and line by line. */
function formsOf(secret: string): string[] {
    const whole = secret.trim();
    const lines = whole.split(/[\r\n]+/).map((line) => line.trim());
    const parts = lines.filter((line) => line.length >= shortestPart && !pemFrame.test(line));
    return [
        ...[whole, wholeText(whole), JSON.stringify(whole).slice(1, -1)],
        ...parts.flatMap((line) => [line, wholeText(line)]),
    ].filter(({ length }) => length >= shortestHidden);
}

function withoutBeginning(text: string, forms: string[]): string {
    const at = forms.reduce((first, form) => Math.min(first, beginningIn(text, form)), text.length);
    return at < text.length ? text.slice(0, at) + mark : text;
}

/** Where at a text's end something begins; where that is not, the text's length. */
function beginningIn(text: string, form: string): number {
    const first = form.slice(0, shortestPart);
    for (let at = text.indexOf(first); at !== -1; at = text.indexOf(first, at + 1)) {
        if (form.startsWith(text.slice(at))) {
            return at;
        }
    }
    return text.length;
}
