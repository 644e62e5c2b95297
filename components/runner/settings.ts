import { isPlatform, knownPlatforms, type Platform } from "../architecture";
import { listOf, setting, text, wholeNumber } from "../settings/kinds";
import { mostRunners } from "./runnerNames";
import type { ValuesOf } from "../settings/values";

/** The settings of runners of every kind. */
export const runnerSettings = {
    platforms: setting(
        listOf(`a list of at least one of: ${knownPlatforms.join(", ")}`, text("a platform")),
        knownPlatforms,
        "Platforms to build for, each on runners of its own.",
    ),
    runnersPerPlatform: setting(
        wholeNumber(1, mostRunners),
        1,
        "Runners for each platform. The images of one `pulumi up` are spread over them, and so are CI jobs, by their names.",
    ),
    idleMinutes: setting(
        wholeNumber(0, 60 * 24 * 7),
        15,
        "Minutes without a build after which a runner stops itself. 0 for never.",
    ),
    cacheGigabytes: setting(
        wholeNumber(1, 12_000),
        30,
        "Size that the build cache of each runner is kept below, in GB (10^9 bytes).",
    ),
};

export type RunnerValues = Omit<ValuesOf<typeof runnerSettings>, "platforms"> & { platforms: readonly Platform[] };

/** What is wrong with a list of platforms, each as one line: setting, mistake, remedy. */
export function platformMistakes(platforms: readonly string[]): string[] {
    if (platforms.length === 0) {
        return [`platforms: must be a list of at least one of: ${knownPlatforms.join(", ")}`];
    }
    const unknown = platforms
        .filter((platform) => !isPlatform(platform))
        .map((platform) => `platforms: unknown platform "${platform}"; use: ${knownPlatforms.join(", ")}`);
    const twice = [...new Set(platforms.filter((platform, at) => platforms.indexOf(platform) !== at))];
    return [...unknown, ...twice.map((platform) => `platforms: "${platform}" is there twice; take one out`)];
}
