import type * as v from "valibot";
import { keysOf } from "./collections";
import { parsed, refuseArguments } from "./mistakes";

/** Settings by name: `setting(...)`s. */
export type Schemas = { [setting: string]: v.GenericSchema };

/** The values of such settings. */
export type ValuesOf<S extends Schemas> = { [N in keyof S]: v.InferOutput<S[N]> };

/** Of a union of types, the type that is all of them. */
type All<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer A) => void ? A : never;

/** The settings of all rows of a table of kinds. What two kinds share is there once. */
export function settingsOf<T extends { [kind: string]: { settings: Schemas } }>(table: T): All<T[keyof T]["settings"]> {
    return Object.assign({}, ...Object.values(table).map(({ settings }) => settings));
}

/**
 * The settings among a component's arguments, checked, and with their defaults where they are left out: the same for a
 * program of your own as for the configuration of a stack.
 *
 * @throws RunError with every mistake, each a line: setting, mistake, remedy
 */
export function checkedValues<S extends Schemas>(settings: S, args: object): ValuesOf<S> {
    const { value, mistakes } = parsed(keysOf("SETTING: value", settings), among(settings, args), []);
    refuseArguments(mistakes);
    return value as ValuesOf<S>;
}

/** Of values by name those of these settings: of all of a stack, those that one component takes. */
export function among<S extends Schemas, V extends object>(settings: S, values: V): Pick<V, keyof S & keyof V> {
    const own = Object.entries(values).filter(([name]) => Object.hasOwn(settings, name));
    return Object.fromEntries(own) as Pick<V, keyof S & keyof V>;
}
