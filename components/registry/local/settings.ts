import { localMachineSettings } from "../../localMachine/settings";
import { setting, text } from "../../settings/kinds";

/** The settings of the local registry, on the first of this machine's ports. */
export const localRegistrySettings = {
    ...localMachineSettings,
    registryHost: setting(
        text("a host name", { mayBeEmpty: true }),
        "registry.native-buildx.internal",
        "Registry local only. Host name of the local registry; it must lead to 127.0.0.1.",
    ),
};
