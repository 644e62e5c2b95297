import type { RegistryModule, ValuesOf } from "../kind";
import { LocalRegistry } from "./localRegistry";
import type { localRegistrySettings } from "./settings";

/** Whether this machine can be its host is checked with everything else that the machine is needed for. */
export const kind: RegistryModule<ValuesOf<typeof localRegistrySettings>> = {
    mistakes: () => [],
    create: (name, { registryHost: host }, { stackName, localPort }) =>
        new LocalRegistry(name, { stackFolder: stackName, host, port: localPort }),
};
