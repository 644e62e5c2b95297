import type { KindRow } from "../settings/kindRow";
import type { Schemas, ValuesOf } from "../settings/values";
import type { Registry } from "./registry";

/** What a registry is made with besides its settings. */
export interface RegistryContext {
    /** The stack's name on machines and in the cloud, as in `native-buildx-prod`; lower case. */
    stackName: string;
    /** Tags of what it has in the cloud. @default none */
    tags?: { [name: string]: string };
}

/** A kind's module: `kind.ts` in its folder. */
export interface RegistryModule<Values> {
    /** Everything that is wrong with its settings, each as one line: setting, mistake, remedy. */
    mistakes(values: Values, stackName: string): string[] | Promise<string[]>;
    /** The registry, as a component of this name. */
    create(name: string, values: Values, context: RegistryContext): Registry;
}

/** A row of the table of kinds. */
export interface RegistryRow<S extends Schemas> extends KindRow<S, RegistryModule<ValuesOf<S>>> {
    /** Only runners on this machine can reach it. */
    isOnThisMachine: boolean;
}

/** Lets the compiler see that a row's module takes the row's settings. */
export function row<S extends Schemas>(described: RegistryRow<S>): RegistryRow<S> {
    return described;
}
