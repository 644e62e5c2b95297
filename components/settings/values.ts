import * as pulumi from "@pulumi/pulumi";
import type * as v from "valibot";
import { keysOf } from "./kinds";
import { parsed } from "./mistakes";

/** Settings by name: `setting(...)`s. */
export type Schemas = { [setting: string]: v.GenericSchema };

/** The values of such settings. */
export type ValuesOf<S extends Schemas> = { [N in keyof S]: v.InferOutput<S[N]> };

/**
 * The settings among a component's arguments, checked, and with their defaults where they are left out: the same for a
 * program of your own as for the configuration of a stack.
 *
 * @throws RunError with every mistake, each a line: setting, mistake, remedy
 */
export function checkedValues<S extends Schemas>(settings: S, args: object): ValuesOf<S> {
    const own = Object.fromEntries(Object.entries(args).filter(([name]) => Object.hasOwn(settings, name)));
    const { value, mistakes } = parsed(keysOf("SETTING: value", settings), own, []);
    if (mistakes.length > 0) {
        throw new pulumi.RunError(mistakes.join("\n"));
    }
    return value as ValuesOf<S>;
}
