import { isPlatform, knownPlatforms, type Platform } from "../architecture";
import { checked, listOf, mapOf, minutes, setting, text, wholeNumber } from "../settings/kinds";
import type { ValuesOf } from "../settings/values";
import { mirrorMistakes } from "./registryMirrors";
import { mostRunners } from "./runnerNames";

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
        minutes(0, 60 * 24 * 7),
        15,
        "Minutes without a build after which a runner stops itself, which may be a fraction. 0 for never.",
    ),
    cacheGigabytes: setting(
        wholeNumber(1, 16_000),
        30,
        "Room for the build cache of each runner, in GiB. A quarter is for builds that run, the rest is kept between them.",
    ),
    registryMirrors: setting(
        checked(
            mapOf("HOST: list of mirrors", listOf("a list of mirrors", text("HOST:PORT of a mirror"))),
            mirrorMistakes,
        ),
        {},
        'Mirrors that the runners pull from, a list by the host of the registry, as in {"docker.io": ["mirror.example:5000"]}; http:// before a mirror that has no TLS.',
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

/** How room for a cache is used, in bytes: what BuildKit keeps it below after builds, and what it never collects. */
export function cacheLimits(cacheGigabytes: number): { bytes: number; maxUsedSpace: number; reservedSpace: number } {
    const bytes = cacheGigabytes * 2 ** 30;
    return { bytes, maxUsedSpace: Math.floor(bytes * 0.75), reservedSpace: Math.floor(bytes * 0.25) };
}
