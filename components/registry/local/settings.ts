import { localMachineSettings } from "../../localMachine/settings";
import { optionalText, setting, wholeNumber } from "../../settings/kinds";

/** The settings of the local registry, on the first of this machine's ports. */
export const localRegistrySettings = {
    ...localMachineSettings,
    registryHost: setting(
        optionalText("a host name"),
        "registry.native-buildx.internal",
        "Registry local only. Host name of the local registry; it must lead to 127.0.0.1.",
    ),
    localUntaggedDays: setting(
        wholeNumber(1, 3650),
        14,
        "Registry local only. Days for which the local registry keeps an image that no tag leads to any more.",
    ),
};
