import { among, type ValuesOf } from "../../settings/values";
import type { RegistryModule } from "../kind";
import { LocalRegistry } from "./localRegistry";
import { registryMachineMistakes } from "./machine";
import { localRegistrySettings } from "./settings";

export const kind: RegistryModule<ValuesOf<typeof localRegistrySettings>> = {
    mistakes: registryMachineMistakes,
    create: (name, values, { stackName }) =>
        new LocalRegistry(name, { ...among(localRegistrySettings, values), stackFolder: stackName }),
};
