import * as v from "valibot";
import type { Registry } from "../registry/registry";
import { isObject, keysOf } from "./collections";
import { insteadOf } from "./kinds";
import { issueLines } from "./mistakes";
import type { Schemas } from "./values";

/** A value that a program gives: of this type, and in no other form, as the configuration has. @param what what is meant */
export function given<T>(what: string, is: (value: unknown) => value is T) {
    return v.custom<T>(is, ({ input }) => insteadOf(what, input).mistake);
}

export const givenText = given("a text", (value) => typeof value === "string");
export const givenFlag = given("true or false", (value) => typeof value === "boolean");

export const givenRegistry = given(
    "a registry",
    (value): value is Registry => isObject(value) && "repositoryOf" in value,
);

/** One of these values. */
export function givenWord<const T extends string | boolean>(...words: readonly T[]) {
    const what = words.map((word) => JSON.stringify(word)).join(" or ");
    return given(what, (value): value is T => words.includes(value as T));
}

/**
 * What is wrong with a component's arguments by themselves, each a line: before they are looked at further, they are what
 * their types say, known when the program runs, and none is misspelled.
 */
export function argumentMistakes(schemas: Schemas, args: object): string[] {
    // The message of one that must not be left out is its own schema's.
    const unset = Object.fromEntries(Object.keys(schemas).map((name) => [name, undefined]));
    const set = Object.entries(args).filter(([, value]) => value !== undefined);
    const { issues = [] } = v.safeParse(keysOf("NAME: value", schemas), { ...unset, ...Object.fromEntries(set) });
    return issueLines(issues);
}
