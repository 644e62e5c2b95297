import { setting, text } from "../../../configuration/kinds";

/** The settings of the local registry alone. Its port is the first of those that setting localPort begins. */
export const localRegistrySettings = {
    registryHost: setting(
        text("a host name", { mayBeEmpty: true }),
        "registry.native-buildx.internal",
        "Registry local only. Host name of the local registry; it must lead to 127.0.0.1.",
    ),
};
