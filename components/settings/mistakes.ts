import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { withoutLogins } from "../../provider/withoutLogins";

/** A value as far as it is right, and what is wrong with the rest. */
export interface Parsed<T> {
    /** Keys that are wrong count as left out. */
    value: T;
    /** One line each: setting, mistake, remedy. */
    mistakes: string[];
    /** Names of the keys that are wrong. */
    wrong: Set<string>;
}

/** A path as `pulumi config set --path` takes it. */
export function pathText(at: readonly unknown[]): string {
    return at
        .map((step, index) => {
            const name = String(step);
            if (typeof step === "number") {
                return `[${step}]`;
            }
            return /^[\w-]+$/.test(name) ? `${index > 0 ? "." : ""}${name}` : `[${JSON.stringify(name)}]`;
        })
        .join("");
}

/** Checks an object against a schema, key by key: one wrong key does not hide what is wrong with others. */
export function parsed<T extends v.GenericSchema<unknown, object>>(
    schema: T,
    value: { [key: string]: unknown },
    at: readonly string[],
): Parsed<v.InferOutput<T>> {
    const result = v.safeParse(schema, value);
    if (result.success) {
        return { value: result.output, mistakes: [], wrong: new Set() };
    }
    const paths = result.issues.map((issue) => (issue.path ?? []).map((step) => step.key));
    const wrong = new Set(paths.map(([name]) => String(name)));
    const rest = Object.fromEntries(Object.entries(value).filter(([name]) => !wrong.has(name)));
    return {
        value: v.parse(schema, rest),
        mistakes: issueLines(result.issues, at),
        wrong,
    };
}

/** What a schema finds wrong, each as one line. @param at where the value is. @default at the top */
export function issueLines(issues: readonly v.BaseIssue<unknown>[], at: readonly string[] = []): string[] {
    return issues.map(({ path = [], message }) => `${pathText([...at, ...path.map(({ key }) => key)])}: ${message}`);
}

/** What is wrong with names of which each should be there once, each name as a part of a line. */
export function twice(names: readonly string[]): string[] {
    const again = names.filter((name, at) => names.indexOf(name) !== at);
    return [...new Set(again)].map((name) => `"${name}" is there twice; take one out`);
}

/** An error of these lines, which may show what was given, without the logins in it. */
function mistakesError(lines: string[]): pulumi.RunError {
    return new pulumi.RunError(withoutLogins(lines.join("\n")));
}

/**
 * Throws one error with every mistake.
 *
 * @param what has them, as in `Image app`
 * @throws {pulumi.RunError} if there is any
 */
export function throwMistakes(what: string, mistakes: string[]): void {
    if (mistakes.length > 0) {
        const lines = mistakes.map((mistake) => `  - ${mistake}`);
        throw mistakesError([`${what} has ${mistakes.length === 1 ? "a mistake" : "mistakes"}:`, ...lines]);
    }
}

/**
 * Refuses a component's arguments.
 *
 * @param mistakes each a line: the setting, what is wrong, the remedy
 * @throws {pulumi.RunError} with every one, if there is any
 */
export function refuseArguments(mistakes: string[]): void {
    if (mistakes.length > 0) {
        throw mistakesError(mistakes);
    }
}
