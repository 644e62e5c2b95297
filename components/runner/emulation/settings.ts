import { flag, setting } from "../../settings/kinds";

export const emulationSettings = {
    nativeCompilers: setting(
        flag(),
        true,
        "Local and EC2 runners only. Compilers of a platform that is emulated run natively, as their twins, see docs/emulation.md.",
    ),
};
