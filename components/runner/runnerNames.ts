import { architectures, type Platform } from "../architecture";

/** How many runners a platform may have. */
export const mostRunners = 9;

/** A runner that is declared. */
export interface NamedRunner {
    /**
     * `arm64`, `arm64_2`, `arm_v7`: part of shell variables, folders, SSM parameters, and of the names of buildx's nodes.
     */
    runner: string;
    platform: Platform;
    /** Its place among the platform's runners, from 0. */
    at: number;
}

/** The runner that a resource belongs to. */
export type RunnerInfo = Pick<NamedRunner, "runner" | "platform">;

export function runnerInfo({ runner, platform }: RunnerInfo): RunnerInfo {
    return { runner, platform };
}

/** The names of so many runners for each platform. */
export function namedRunners(platforms: readonly Platform[], count: number): NamedRunner[] {
    return platforms.flatMap((platform) =>
        Array.from({ length: count }, (_, at) => ({ runner: runnerName(platform, at), platform, at })),
    );
}

/** @param at its place among the platform's runners, from 0 */
export function runnerName(platform: Platform, at = 0): string {
    const name = architectures[platform].suffix.replaceAll("-", "_");
    return at === 0 ? name : `${name}_${at + 1}`;
}

/** The name in a runner's server certificate: its address changes, this does not. */
export function serverNameOf(runner: string): string {
    return `${runner.replaceAll("_", "-")}.runner.native-buildx.internal`;
}
