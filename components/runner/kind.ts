import type { Registry } from "../registry/registry";
import type { KindRow } from "../settings/kindRow";
import type { Schemas, ValuesOf } from "../settings/values";
import type { Runners } from "./runners";
import type { RunnerValues } from "./settings";

/** What runners are made with besides their settings. */
export interface RunnersContext {
    /** The stack's name on machines and in the cloud, as in `native-buildx-prod`; lower case. */
    stackName: string;
    /** Where images are pushed. */
    registry: Registry;
    /** Tags of what they have in the cloud. @default none */
    tags?: { [name: string]: string };
}

/** A kind's module: `kind.ts` in its folder. */
export interface RunnersModule<Values> {
    /** Everything that is wrong with the settings, and with this machine, each as one line: setting, mistake, remedy. */
    mistakes(values: Values & RunnerValues, stackName: string): string[] | Promise<string[]>;
    /** The runners, as a component of this name. */
    create(name: string, values: Values & RunnerValues, context: RunnersContext): Runners;
}

/** A row of the table of kinds. */
export interface RunnersRow<S extends Schemas> extends KindRow<S, RunnersModule<ValuesOf<S>>> {
    /** They reach a registry of this machine. */
    areOnThisMachine: boolean;
    /** The kind of registry that is used where setting `registry` says nothing. */
    registry: string;
}

/** Lets the compiler see that a row's module takes the row's settings. */
export function row<S extends Schemas>(described: RunnersRow<S>): RunnersRow<S> {
    return described;
}
