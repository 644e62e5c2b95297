import * as v from "valibot";
import { defaultPlatforms, isPlatform, knownPlatforms, type Platform } from "../architecture";
import { listOf, mapOf } from "../settings/collections";
import { checked, minutes, setting, text, wholeNumber } from "../settings/kinds";
import { twice } from "../settings/mistakes";
import type { ValuesOf } from "../settings/values";
import { clusterSettings } from "./cluster/settings";
import { emulationSettings } from "./emulation/settings";
import { mirrorMistakes } from "./registryMirrors";
import { mostRunners } from "./runnerNames";

/** MiB: for runc and a step's first process, and for the files that it reads. */
const leastStepMemory = 32;

/** The settings of runners of every kind. */
export const runnerSettings = {
    platforms: setting(
        listOf(`a list of at least one of: ${knownPlatforms.join(", ")}`, text("a platform")),
        defaultPlatforms,
        `Platforms to build for, each on runners of its own: ${knownPlatforms.join(", ")}.`,
    ),
    runnersPerPlatform: setting(
        wholeNumber(1, mostRunners),
        1,
        "Runners for each platform. The images of one `pulumi up` are spread over them, and so are CI jobs, by their repositories and names.",
    ),
    idleMinutes: setting(
        minutes(0, 60 * 24 * 7),
        5,
        "Minutes without a build after which a runner stops itself, which may be a fraction. 0 for never.",
    ),
    cacheGigabytes: setting(
        wholeNumber(1, 16_000),
        30,
        "Room for the build cache of each runner, in GiB. A quarter is for builds that run, the rest is kept between them.",
    ),
    maxParallelism: setting(
        wholeNumber(0, 1000),
        0,
        "Build steps that a runner runs at once, those of all its builds together. 0 for two for each core of its machine, and four at least.",
    ),
    stepMemoryMegabytes: setting(
        checked(wholeNumber(0, 16_000_000), stepMemoryMistakes),
        0,
        "Memory of all build steps of a runner together, in MiB. 0 for all but a tenth of its machine's, and all but 512 MiB.",
    ),
    historyDays: setting(
        wholeNumber(1, 3650),
        7,
        "Days for which a runner keeps the history of its builds, as docker buildx history shows it.",
    ),
    historyBuilds: setting(
        wholeNumber(1, 100_000),
        50,
        "The newest so many builds of a runner stay in its history, however old they are.",
    ),
    ...emulationSettings,
    ...clusterSettings,
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

function stepMemoryMistakes(megabytes: number): string[] {
    return megabytes > 0 && megabytes < leastStepMemory
        ? [`must be 0 or at least ${leastStepMemory}, not ${megabytes}: no step can start with less`]
        : [];
}

/** The settings of how a runner's BuildKit builds, see `runnerSettings`. */
export type BuildSettings = Pick<
    RunnerValues,
    "maxParallelism" | "stepMemoryMegabytes" | "historyDays" | "historyBuilds"
>;

/** These settings, with defaults for those that are not set. */
export function buildSettings(given: Partial<BuildSettings>): BuildSettings {
    const value = (name: keyof BuildSettings) => given[name] ?? (v.getDefault(runnerSettings[name]) as number);
    return {
        maxParallelism: value("maxParallelism"),
        stepMemoryMegabytes: value("stepMemoryMegabytes"),
        historyDays: value("historyDays"),
        historyBuilds: value("historyBuilds"),
    };
}

/** Setting idleMinutes in seconds, as runners count. 0 stays 0, which is for never, and nothing else becomes it. */
export function idleSecondsOf(idleMinutes: number): number {
    return idleMinutes > 0 ? Math.max(1, Math.round(idleMinutes * 60)) : 0;
}

/** Seconds between two looks of a runner at whether it is idle: `most`, or a quarter of a short idle time. */
export function lookSeconds(idleSeconds: number, most: number): number {
    const wanted = idleSeconds > 0 ? Math.min(most, idleSeconds / 4) : most;
    return Math.max(1, Math.floor(wanted));
}

/** What is wrong with a list of platforms, each as one line: setting, mistake, remedy. */
export function platformMistakes(platforms: readonly string[]): string[] {
    if (platforms.length === 0) {
        return [`platforms: must be a list of at least one of: ${knownPlatforms.join(", ")}`];
    }
    const unknown = platforms
        .filter((platform) => !isPlatform(platform))
        .map((platform) => `platforms: unknown platform "${platform}"; use: ${knownPlatforms.join(", ")}`);
    return [...unknown, ...twice(platforms).map((mistake) => `platforms: ${mistake}`)];
}

/** What follows from the room for a cache; in bytes where no unit is said. */
export interface CacheLimits {
    /** After builds BuildKit collects what is above this, and until `minFreeSpace` is free for the build that runs. */
    maxUsedSpace: number;
    minFreeSpace: number;
    /** It never collects this. */
    reservedSpace: number;
    /** While a build runs, cache is collected (room.sh) when less than `low` is free, until there is room. */
    low: number;
    lowMegabytes: number;
    roomMegabytes: number;
}

export function cacheLimits(cacheGigabytes: number): CacheLimits {
    const bytes = cacheGigabytes * 2 ** 30;
    return {
        maxUsedSpace: Math.floor(bytes * 0.75),
        minFreeSpace: Math.floor(bytes * 0.2),
        reservedSpace: Math.floor(bytes * 0.25),
        low: bytes / 10,
        lowMegabytes: Math.floor(bytes / 10e6),
        roomMegabytes: Math.floor(bytes / 5e6),
    };
}
