import type { localMachineSettings } from "../../localMachine/settings";
import { among, type ValuesOf } from "../../settings/values";
import { noClusterMistakes } from "../cluster/mistakes";
import type { RunnersModule } from "../kind";
import { LocalRunners, localRunnersSettings } from "./localRunners";
import { machineMistakes } from "./machine";

export const kind: RunnersModule<ValuesOf<typeof localMachineSettings>> = {
    mistakes: async (values, stackName) => [
        ...noClusterMistakes(values, "local runners"),
        ...(await machineMistakes(values, stackName)),
    ],
    create: (name, values, { stackName, registry: { trust } }) =>
        new LocalRunners(name, { ...among(localRunnersSettings, values), stackFolder: stackName, trust }),
};
