import { localMachineSettings } from "../localMachine/settings";
import type { Registry } from "../registry/registry";
import type { Schemas, ValuesOf } from "../settings/values";
import { ec2RunnerSettings } from "./ec2/settings";
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

/** What a kind's module has, `kind.ts` of its folder. */
export interface RunnersModule<Values> {
    /** Everything that is wrong with the settings, and with this machine, each as one line: setting, mistake, remedy. */
    mistakes(values: Values & RunnerValues, stackName: string): string[] | Promise<string[]>;
    /** The runners, as a component of this name. */
    create(name: string, values: Values & RunnerValues, context: RunnersContext): Runners;
}

interface RunnersRow<S extends Schemas> {
    /** What people read of it in a list of kinds. */
    meaning: string;
    /** The settings that only this kind has. */
    settings: S;
    /** They reach a registry of this machine. */
    areOnThisMachine: boolean;
    /** Loaded when it is used: nobody else needs, or waits for, what it imports. */
    load(): RunnersModule<ValuesOf<S>>;
}

const row = <S extends Schemas>(described: RunnersRow<S>) => described;

/** THE table of kinds of runners. To add one: a folder, and a row. */
export const runnerKinds = {
    local: row({
        meaning: "processes on this machine",
        settings: localMachineSettings,
        areOnThisMachine: true,
        load: () => (require("./local/kind") as typeof import("./local/kind")).kind,
    }),
    ec2: row({
        meaning: "EC2 instances",
        settings: ec2RunnerSettings,
        areOnThisMachine: false,
        load: () => (require("./ec2/kind") as typeof import("./ec2/kind")).kind,
    }),
};

/** The row of a kind, whichever it is: for code that passes on the values of all kinds. */
export function runnerKind(kind: string): RunnersRow<Schemas> {
    return (runnerKinds as unknown as { [kind: string]: RunnersRow<Schemas> })[kind] as RunnersRow<Schemas>;
}
