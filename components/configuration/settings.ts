import type * as pulumi from "@pulumi/pulumi";
import { knownPlatforms, type Platform } from "../architecture";
import type { ImageDeclaration } from "./images";

/** The kinds of runner. */
export const runnerTypes = ["local", "ec2"] as const;
export type RunnerType = (typeof runnerTypes)[number];

/** The configuration as plain values, checked. Pulumi.yaml has each setting's default and description. */
export interface Settings {
    runnerType: RunnerType;
    platforms: Platform[];
    images: { [name: string]: ImageDeclaration };
    buildSecrets: pulumi.Output<{ [name: string]: string }>;
    idleMinutes: number;
    buildsPerRunner: number;
    cacheGigabytes: number;
    localPort: number;
    registryHost: string;
}

/** Of a port range that starts at setting localPort: the registry's, then one for each row of the architecture table. */
export function localPorts(settings: Pick<Settings, "localPort">): { registry: number } & { [P in Platform]: number } {
    const runners = knownPlatforms.map((platform, at) => [platform, settings.localPort + 1 + at]);
    return { registry: settings.localPort, ...Object.fromEntries(runners) };
}
