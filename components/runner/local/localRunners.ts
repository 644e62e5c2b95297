import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { localMachineSettings, runnerPort, stackFolderArgument } from "../../localMachine/settings";
import type { RegistryTrust } from "../../registry/registry";
import { argumentMistakes, given } from "../../settings/arguments";
import { isObject } from "../../settings/collections";
import { refuseArguments } from "../../settings/mistakes";
import { checkedValues, type ValuesOf } from "../../settings/values";
import { noClusterMistakes } from "../cluster/mistakes";
import { namedRunners } from "../runnerNames";
import type { Runners } from "../runners";
import { platformMistakes, type RunnerValues, runnerSettings } from "../settings";
import { LocalRunner } from "./localRunner";

/** Those of the configuration that local runners have. */
export const localRunnersSettings = { ...runnerSettings, ...localMachineSettings };

const others = {
    stackFolder: stackFolderArgument,
    trust: v.optional(given("trust of a registry, as in registry.trust, or a list of such", isTrust)),
};

function isTrust(value: unknown): value is RegistryTrust | RegistryTrust[] {
    return [value].flat().every((one) => isObject(one) && "host" in one && "certificateFile" in one);
}

/** The settings of local runners, all with the defaults of the configuration, and what they need besides. */
export interface LocalRunnersArgs extends Partial<RunnerValues & ValuesOf<typeof localMachineSettings>> {
    /** Folder of the stack, below the data folder of this machine. */
    stackFolder: string;
    /** A registry on this machine, or several, whose certificate authorities they have to trust. @default none */
    trust?: RegistryTrust | readonly RegistryTrust[];
}

/** BuildKit daemons on this machine, one or more for each platform. */
export class LocalRunners extends pulumi.ComponentResource implements Runners {
    readonly runners: readonly LocalRunner[];

    /** @throws RunError with every wrong argument: the setting, what is wrong, the remedy. */
    constructor(name: string, args: LocalRunnersArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:LocalRunners", name, {}, opts);
        refuseArguments(argumentMistakes({ ...localRunnersSettings, ...others }, args));
        const values = checkedValues(localRunnersSettings, args) as RunnerValues &
            ValuesOf<typeof localMachineSettings>;
        refuseArguments(platformMistakes(values.platforms));
        refuseArguments(noClusterMistakes(values, "local runners"));
        const { stackFolder, trust } = args;
        this.runners = namedRunners(values.platforms, values.runnersPerPlatform).map(
            ({ runner, platform, at }) =>
                new LocalRunner(
                    `${name}-${runner}`,
                    {
                        ...values,
                        runner,
                        platform,
                        port: runnerPort(values.localPort, platform, at),
                        stackFolder,
                        trust,
                    },
                    { parent: this },
                ),
        );
        this.registerOutputs({});
    }
}
