import * as pulumi from "@pulumi/pulumi";
import { isPlatform, knownPlatforms, type Platform } from "../architecture";
import type { Ec2Settings } from "./ec2Settings";
import { imageMistakes } from "./images";
import { machineMistakes } from "./machine";
import { type RunnerType, runnerTypes, type Settings } from "./settings";

/** What the program is given: the settings, and those that only its kind of runner has. */
export interface StackSettings extends Settings {
    /** With runner type ec2. */
    ec2?: Ec2Settings;
}

/** The configuration before it is checked. */
export type RawSettings = { [S in Exclude<keyof Settings, "buildSecrets">]: unknown } & {
    buildSecrets: string[];
};

const between = (low: number, high: number) => (value: unknown) =>
    Number.isInteger(value) && (value as number) >= low && (value as number) <= high
        ? undefined
        : `must be a whole number from ${low} to ${high}`;

const numberChecks = {
    idleMinutes: between(0, 60 * 24 * 7),
    buildsPerRunner: between(1, 1000),
    cacheGigabytes: between(1, 16_000),
    localPort: between(1024, 65535 - knownPlatforms.length),
};

/** Everything that is wrong with the plain settings, each as one line: setting, mistake, remedy. */
export function settingMistakes(raw: RawSettings, project: string): string[] {
    const mistakes: string[] = [];
    if (!runnerTypes.includes(raw.runnerType as RunnerType)) {
        mistakes.push(`runnerType: there is no "${raw.runnerType}"; use one of: ${runnerTypes.join(", ")}`);
    }
    for (const [setting, check] of Object.entries(numberChecks)) {
        const value = raw[setting as keyof typeof numberChecks];
        const mistake = check(value);
        if (mistake) {
            mistakes.push(`${setting}: ${mistake}, not ${JSON.stringify(value)}`);
        }
    }
    const platforms = Array.isArray(raw.platforms) ? raw.platforms : [];
    mistakes.push(...platformMistakes(platforms));
    const known = platforms.filter((platform): platform is Platform => isPlatform(String(platform)));
    return [...mistakes, ...imageMistakes(raw.images, { platforms: known, project, buildSecrets: raw.buildSecrets })];
}

function platformMistakes(platforms: unknown[]): string[] {
    if (platforms.length === 0) {
        return [`platforms: must be a list of at least one of: ${knownPlatforms.join(", ")}`];
    }
    const unknown = platforms
        .filter((platform) => !isPlatform(String(platform)))
        .map((platform) => `platforms: unknown platform "${platform}"; use: ${knownPlatforms.join(", ")}`);
    const twice = [...new Set(platforms.filter((platform, at) => platforms.indexOf(platform) !== at))];
    return [...unknown, ...twice.map((platform) => `platforms: "${platform}" is there twice; take one out`)];
}

/** Throws one error with every mistake. */
export function throwMistakes(mistakes: string[]): void {
    if (mistakes.length > 0) {
        const lines = mistakes.map((mistake) => `  - ${mistake}`);
        throw new pulumi.RunError(
            [`The configuration has ${mistakes.length === 1 ? "a mistake" : "mistakes"}:`, ...lines].join("\n"),
        );
    }
}

/**
 * Reads the stack's configuration and checks all of it, and for local runners this machine, before anything is built.
 *
 * @throws {pulumi.RunError} that lists every mistake
 */
export async function readSettings(stackName: string, project = process.cwd()): Promise<StackSettings> {
    const config = new pulumi.Config();
    const buildSecrets = secretValues(config);
    const raw: RawSettings = {
        runnerType: config.get("runnerType"),
        platforms: config.getObject("platforms"),
        images: config.getObject("images") ?? {},
        buildSecrets: await namesOf(buildSecrets),
        idleMinutes: config.getNumber("idleMinutes"),
        buildsPerRunner: config.getNumber("buildsPerRunner"),
        cacheGigabytes: config.getNumber("cacheGigabytes"),
        localPort: config.getNumber("localPort"),
        registryHost: config.get("registryHost"),
    };
    const mistakes = settingMistakes(raw, project);
    const settings = { ...raw, buildSecrets } as StackSettings;
    if (settings.runnerType === "local") {
        mistakes.push(...(await machineMistakes(settings, stackName)));
    }
    if (settings.runnerType === "ec2") {
        // Loaded here: stack dev neither needs the AWS packages nor waits for them.
        const { ec2Mistakes, readEc2Settings } = require("./ec2Settings") as typeof import("./ec2Settings");
        const platforms = (settings.platforms ?? []).filter((platform) => isPlatform(String(platform)));
        settings.ec2 = readEc2Settings({ ...settings, platforms: [...new Set(platforms)] });
        mistakes.push(...ec2Mistakes(settings.ec2, stackName));
    }
    throwMistakes(mistakes);
    return settings;
}

function secretValues(config: pulumi.Config): Settings["buildSecrets"] {
    const values = config.getSecretObject<{ [name: string]: string }>("buildSecrets");
    return pulumi.secret(
        pulumi.output(values).apply((known): { [name: string]: string } => known ?? {}),
    ) as Settings["buildSecrets"];
}

/** Names are no secret; the values stay where they are. */
function namesOf(secrets: pulumi.Output<{ [name: string]: string }>): Promise<string[]> {
    return new Promise((resolve) => {
        secrets.apply((values) => resolve(Object.keys(values)));
    });
}
