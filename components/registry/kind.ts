import type * as v from "valibot";
import type { Registry } from "./registry";

/** What a registry is made with besides its settings. */
export interface RegistryContext {
    /** The stack's name on machines and in the cloud, as in `native-buildx-prod`; lower case. */
    stackName: string;
    /** First of the stack's ports on this machine. */
    localPort: number;
    /** ARN of a customer key. @default none */
    kmsKeyArn?: string | undefined;
    /** Tags of what it has in the cloud. @default none */
    tags?: { [name: string]: string };
}

/** What a kind's module has, `kind.ts` of its folder. */
export interface RegistryModule<Values> {
    /** Everything that is wrong with its settings, each as one line: setting, mistake, remedy. */
    mistakes(values: Values, context: RegistryContext): string[];
    /** The registry, as a component of this name. */
    create(name: string, values: Values, context: RegistryContext): Registry;
}

/** Settings, each with its check, default and description. */
export type Schemas = { [setting: string]: v.GenericSchema };
/** The values of such settings. */
export type ValuesOf<S extends Schemas> = { [N in keyof S]: v.InferOutput<S[N]> };

/** A row of the table of kinds. */
export interface RegistryRow<S extends Schemas> {
    /** What people read of it in a list of kinds. */
    meaning: string;
    /** The settings that only this kind has. */
    settings: S;
    /** Only runners of this machine reach it. */
    isOnThisMachine: boolean;
    /** Loaded when it is used: nobody else needs, or waits for, what it imports. */
    load(): RegistryModule<ValuesOf<S>>;
}

/** Lets the compiler see that a row's module takes the row's settings. */
export function row<S extends Schemas>(described: RegistryRow<S>): RegistryRow<S> {
    return described;
}
