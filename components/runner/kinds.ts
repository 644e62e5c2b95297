import { localMachineSettings } from "../localMachine/settings";
import type { Schemas } from "../settings/values";
import { ec2RunnerSettings } from "./ec2/settings";
import { type RunnersRow, row } from "./kind";
import { kubernetesRunnerSettings } from "./kubernetes/settings";

/** THE table of kinds of runners. To add one: a folder, and a row. */
export const runnerKinds = {
    local: row({
        meaning: "processes on this machine",
        settings: localMachineSettings,
        areOnThisMachine: true,
        registry: "local",
        load: () => (require("./local/kind") as typeof import("./local/kind")).kind,
    }),
    ec2: row({
        meaning: "EC2 instances",
        settings: ec2RunnerSettings,
        areOnThisMachine: false,
        registry: "ecr",
        load: () => (require("./ec2/kind") as typeof import("./ec2/kind")).kind,
    }),
    kubernetes: row({
        meaning: "pods in a Kubernetes cluster",
        settings: kubernetesRunnerSettings,
        areOnThisMachine: false,
        registry: "generic",
        load: () => (require("./kubernetes/kind") as typeof import("./kubernetes/kind")).kind,
    }),
};

/** The kind that a stack has which names none. */
export const defaultRunners: keyof typeof runnerKinds = "local";

/** The row of a kind, whichever it is: for code that passes on the values of all kinds. */
export function runnerKind(kind: string): RunnersRow<Schemas> {
    return (runnerKinds as unknown as { [kind: string]: RunnersRow<Schemas> })[kind] as RunnersRow<Schemas>;
}
