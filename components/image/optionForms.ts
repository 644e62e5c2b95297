import * as v from "valibot";
import { listOf, mapOf } from "../settings/collections";
import { text } from "../settings/kinds";
import type { ImageDraft, Mistake } from "./imageMistakes";

const limits = "core|cpu|data|fsize|locks|memlock|msgqueue|nice|nofile|nproc|rss|rtprio|rttime|sigpending|stack";

/** The options of a build that are texts of a form. */
export const optionForms = {
    ssh: listOf(
        'a list as in ["default", "ID=PATH"]',
        text('"default", ID, or ID=PATH of a key or an agent\'s socket', { pattern: /^[^=\s]+(=.+)?$/ }),
    ),
    shmSize: text("a size, as in 128m", { pattern: /^[0-9]+([bkmgBKMG]|[kmgKMG][bB])?$/ }),
    ulimits: listOf(
        "a list of limits",
        text("a limit NAME=SOFT:HARD, as in nofile=1024:4096", {
            pattern: new RegExp(`^(${limits})=-?[0-9]+(:-?[0-9]+)?$`),
        }),
    ),
    addHosts: listOf(
        "a list of hosts",
        text("NAME:ADDRESS, as in db.internal:10.0.0.7", { pattern: /^[^:=\s]+[:=]\[?[0-9A-Fa-f.:]+\]?$/ }),
    ),
};

/** Names with such values, which buildx takes as NAME=VALUE. @param what as in "labels, NAME: value" */
export function namedValues<T extends v.GenericSchema>(what: string, value: T) {
    return mapOf(what, value, /^[^=]+$/);
}

/** Values of arguments are not looked at: in a program they may be known later. */
const names = v.optional(namedValues("NAME: value", v.unknown()));
const forms = v.object({
    args: names,
    labels: names,
    annotations: names,
    ...v.partial(v.object(optionForms)).entries,
    overrides: v.optional(v.record(v.string(), v.optional(v.object({ args: names })))),
});

/** Those of a list's texts that have its form: what they mean can be looked at. */
export function formed(option: "addHosts" | "ssh", texts: readonly string[]): string[] {
    return texts.filter((one) => v.is(optionForms[option], [one]));
}

/** What does not have the form that buildx asks for. */
export function formMistakes(image: ImageDraft): Mistake[] {
    const { issues = [] } = v.safeParse(forms, image);
    return issues.map(({ path = [], message }) => ({
        at: path.map(({ key }) => key as string | number),
        what: message,
    }));
}
