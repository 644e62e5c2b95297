import { knownPlatforms, type Platform } from "../architecture";
import { mostRunners } from "../runner/runnerNames";
import { given } from "../settings/arguments";
import { setting, wholeNumber } from "../settings/kinds";

/** What is on this machine: local runners, the local registry. */
export const localMachineSettings = {
    localPort: setting(
        wholeNumber(1024, 65_535 - mostRunners * knownPlatforms.length),
        7443,
        "What is on this machine only. First of the ports on 127.0.0.1, the local registry's; each local runner has one of the next.",
    ),
};

/** Argument `stackFolder` of what is on this machine. */
export const stackFolderArgument = given(
    "the folder of the stack, a text, as in NAME-STACK",
    (value): value is string => typeof value === "string" && value !== "",
);

/**
 * The port of a local runner. Setting localPort is the registry's port, and the runners have the ports after it; a
 * runner's port does not change when runners are added.
 *
 * @param at 0 for the first of the platform's runners
 */
export function runnerPort(localPort: number, platform: Platform, at: number): number {
    return localPort + 1 + knownPlatforms.indexOf(platform) + at * knownPlatforms.length;
}
