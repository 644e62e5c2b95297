import { setting, wholeNumber } from "../../components/settings/kinds";

/** A setting that nothing but this folder knows. */
export const daemonSettings = {
    daemonPort: setting(wholeNumber(1024, 65_000), 27_443, "Runners daemon only. First of their ports on 127.0.0.1."),
};
