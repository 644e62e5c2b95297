import * as v from "valibot";
import { ec2MachinesOf, isPlatform, knownPlatforms, machinePlatforms, type Platform } from "../../architecture";
import { mirrorMistakes, type RegistryMirrors } from "../registryMirrors";
import { type BuildSettings, runnerSettings } from "../settings";
import { type BuildkitRelease, defaultBuildkitRelease } from "./ec2Bootstrap";
import { type CacheVolumeSettings, gp3, speedMistakes } from "./gp3";
import { instanceTypeProblems, standInTypeProblems } from "./instanceTypes";
import type { PriceSettings } from "./prices";
import { ec2RunnerSettings } from "./settings";

/**
 * What the user may set for one platform's runner. Plain values: they decide the structure. How its BuildKit builds has
 * the defaults of `runnerSettings`.
 */
export interface Ec2RunnerSettings extends Partial<BuildSettings> {
    platform: Platform;
    /** @default the architecture table's */
    instanceType?: string;
    /**
     * Types of ready-made, stopped stand-ins, in the order in which they are tried when EC2 has no capacity for
     * `instanceType`, 20 at most. Each costs its root volume while it is stopped, and keeps a cache of its own there: the cache
     * volume can be attached to one instance only.
     *
     * @default none
     */
    fallbackInstanceTypes?: string[];
    /**
     * Platform on whose runner this one is emulated, loudly and slowly, when EC2 has no capacity for any of its own
     * instances, and always where EC2 has no machines of it. That runner's server certificate must then carry this
     * runner's `serverName` too.
     *
     * @default none: waking fails instead
     */
    emulateOn?: Platform;
    /** Minutes after the last build until it stops; 0: never, but its stand-ins after 5 minutes. @default 5 */
    idleMinutes?: number;
    /** Size of the cache volume in GiB, 20 to 16384. It can grow, not shrink. @default 30 */
    cacheGigabytes?: number;
    /** Operations of the cache volume in a second, 3000 to 80000, and 500 at most for each GiB. @default 3000 */
    cacheIops?: number;
    /** Throughput of the cache volume in MiB/s, 125 to 2000, and a quarter of `cacheIops` at most. @default 125 */
    cacheThroughput?: number;
    /** Version, address and checksums of BuildKit. @default v0.31.1 from its release page */
    buildkit?: Partial<BuildkitRelease>;
    /** Mirrors to pull from, by the host of the registry that they stand for. @default none */
    registryMirrors?: RegistryMirrors;
    /** Compilers of the platforms that it emulates run natively, as their twins. @default true */
    nativeCompilers?: boolean;
    /** ARN of a customer key for volumes and parameters, which the account's default key for EBS may be. @default AWS's own keys */
    kmsKeyArn?: string;
    /** Prices that are missing in the built-in table, or replace its own. @default none */
    prices?: PriceSettings;
    /** Where the runner asks SSM, for VPC endpoints. @default the region's public address */
    ssmEndpoint?: string;
    /** Address (URL) that answers a caller with the caller's own IP address and nothing else. @default AWS's own */
    callerAddressUrl?: string;
    /**
     * Device node of the cache volume on the runner; `{volume}` is its id without the dash.
     *
     * @default where udev links an EBS volume on every Nitro instance
     */
    cacheDevice?: string;
}

/** The defaults of a runner's settings. */
export const defaults = {
    idleMinutes: v.getDefault(runnerSettings.idleMinutes) as number,
    cacheGigabytes: v.getDefault(runnerSettings.cacheGigabytes) as number,
    cacheIops: gp3.iops.least,
    cacheThroughput: gp3.throughput.least,
    callerAddressUrl: v.getDefault(ec2RunnerSettings.callerAddressUrl) as string,
    cacheDevice: "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{volume}",
};

/** Root volume: Debian, BuildKit, logs. A stand-in's holds its cache as well. */
export const rootGiB = 16;
export const standInCacheGiB = 40;

/** Each is named in the policies of its runner's role, of which AWS takes 10,240 characters. */
export const mostStandIns = 20;

/** Minutes after the last build until a stand-in stops: it always does, or those that no one needs would run for ever. */
export function standInIdleMinutes({ idleMinutes }: Pick<Ec2RunnerSettings, "idleMinutes">): number {
    return idleMinutes || defaults.idleMinutes;
}

/** The cache volume, defaults filled in. */
export function cacheVolumeOf(settings: Partial<CacheVolumeSettings>): CacheVolumeSettings {
    return {
        cacheGigabytes: settings.cacheGigabytes ?? defaults.cacheGigabytes,
        cacheIops: settings.cacheIops ?? defaults.cacheIops,
        cacheThroughput: settings.cacheThroughput ?? defaults.cacheThroughput,
    };
}

/** Where BuildKit comes from, defaults filled in. */
export function buildkitRelease(settings: Ec2RunnerSettings): BuildkitRelease {
    const { buildkit = {} } = settings;
    return {
        version: buildkit.version ?? defaultBuildkitRelease.version,
        url: buildkit.url ?? defaultBuildkitRelease.url,
        // The checksums of the table are for its version: another version needs its own.
        sha256:
            buildkit.sha256 ??
            ((buildkit.version ?? defaultBuildkitRelease.version) === defaultBuildkitRelease.version
                ? defaultBuildkitRelease.sha256
                : {}),
    };
}

/** Everything that is wrong with the settings, each a line: the setting, by its name in `Ec2RunnersArgs`, what is wrong, the remedy. */
export function ec2RunnerProblems(settings: Ec2RunnerSettings): string[] {
    const { platform } = settings;
    if (!isPlatform(platform)) {
        return [`platform "${platform}" is not known: use ${knownPlatforms.join(" or ")}`];
    }
    if (!machinePlatforms.includes(platform)) {
        return emulatedProblems(settings);
    }
    return [
        ...emulateOnProblems(settings),
        ...typeProblems(settings),
        ...sizeProblems(settings),
        ...speedMistakes(cacheVolumeOf(settings)),
        ...releaseProblems(settings),
        ...mirrorMistakes(settings.registryMirrors ?? {}).map((mistake) => `registryMirrors: ${mistake}`),
        ...textProblems(settings),
    ];
}

function typeProblems(settings: Ec2RunnerSettings): string[] {
    const { platform, instanceType, fallbackInstanceTypes: fallbacks = [] } = settings;
    const own = instanceType ?? ec2MachinesOf(platform).instanceType;
    const ownProblems = settings.cacheDevice === undefined ? instanceTypeProblems : standInTypeProblems;
    const setting = `fallbackInstanceTypes of ${platform}`;
    return [
        ...(instanceType === undefined ? [] : ownProblems(`instanceTypes of ${platform}`, instanceType, platform)),
        ...fallbacks.flatMap((type) => standInTypeProblems(setting, type, platform)),
        ...(new Set([own, ...fallbacks]).size <= fallbacks.length
            ? [`${setting} ${fallbacks.join(", ")}: names a type twice, or ${own} itself. Each must be another type`]
            : []),
        ...(fallbacks.length > mostStandIns
            ? [
                  `${setting}: names ${fallbacks.length} types, and ${mostStandIns} are the most that the policy of the runner's role has room for`,
              ]
            : []),
    ];
}

function sizeProblems(settings: Ec2RunnerSettings): string[] {
    const { platform, idleMinutes = defaults.idleMinutes, cacheGigabytes = defaults.cacheGigabytes } = settings;
    return [
        ...(!Number.isFinite(idleMinutes) || idleMinutes < 0
            ? [`idleMinutes of ${platform} ${idleMinutes}: minutes after the last build; 0 for never`]
            : []),
        ...(!Number.isInteger(cacheGigabytes) || cacheGigabytes < 20 || cacheGigabytes > 16384
            ? [`cacheGigabytes of ${platform} ${cacheGigabytes}: a whole number of GiB from 20 to 16384`]
            : []),
    ];
}

/** Settings, what their text must look like, and what is said of another. */
const texts: [name: "kmsKeyArn" | "ssmEndpoint" | "callerAddressUrl", pattern: RegExp, wanted: string][] = [
    [
        "kmsKeyArn",
        /^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/.+$/,
        "the key's own ARN is needed (arn:aws:kms:REGION:ACCOUNT:key/ID), not an alias: policies name it",
    ],
    [
        "ssmEndpoint",
        /^https?:\/\/[^\s'"/]+\/?$/,
        "an address without a path is needed, as in https://vpce-0abc.ssm.eu-central-1.vpce.amazonaws.com",
    ],
    [
        "callerAddressUrl",
        /^https?:\/\/[^\s'"]+$/,
        `an address that answers with the caller's IP address is needed, as in ${defaults.callerAddressUrl}`,
    ],
];

function textProblems(settings: Ec2RunnerSettings): string[] {
    return texts.flatMap(([name, pattern, wanted]) => {
        const text = settings[name];
        return text === undefined || pattern.test(text) ? [] : [`${name} "${text}": ${wanted}`];
    });
}

/** Of a platform that EC2 has no machines of. */
function emulatedProblems(settings: Ec2RunnerSettings): string[] {
    const { platform, emulateOn } = settings;
    const machines = [
        ...(settings.instanceType ? ["instanceTypes"] : []),
        ...(settings.fallbackInstanceTypes?.length ? ["fallbackInstanceTypes"] : []),
    ];
    return [
        ...machines.map((name) => `${name} of ${platform}: EC2 has no machines of ${platform}; remove the setting`),
        ...(emulateOn === undefined
            ? [
                  `emulateOn of ${platform}: EC2 has no machines of ${platform}; name the platform whose runner emulates it, ` +
                      `${machinePlatforms.join(" or ")}, or take it out of platforms`,
              ]
            : emulateOnProblems(settings)),
    ];
}

function emulateOnProblems({ platform, emulateOn }: Ec2RunnerSettings): string[] {
    if (emulateOn === platform) {
        return [`emulateOn of ${platform} is the platform itself: name another, or remove the setting`];
    }
    return emulateOn === undefined || machinePlatforms.includes(emulateOn)
        ? []
        : [`emulateOn of ${platform}: EC2 has no machines of "${emulateOn}"; use ${machinePlatforms.join(" or ")}`];
}

function releaseProblems(settings: Ec2RunnerSettings): string[] {
    const problems: string[] = [];
    const release = buildkitRelease(settings);
    if (!/^https?:\/\/[^\s'"]+$/.test(release.url)) {
        problems.push(`buildkitUrl "${release.url}": the http(s) address of the release archive is needed`);
    }
    if (settings.buildkit?.version !== undefined && !release.url.includes("{version}")) {
        problems.push(
            `buildkitVersion ${release.version}: buildkitUrl "${release.url}" has no {version}, so it is the same archive for each; ` +
                "write {version} there, or remove buildkitVersion",
        );
    }
    const checksum = release.sha256[settings.platform];
    if (checksum === undefined) {
        problems.push(
            `buildkitSha256 has no checksum for ${settings.platform}, BuildKit ${release.version}: take it from the release, or ` +
                `download the archive from a place you trust and run sha256sum on it, and set buildkitSha256["${settings.platform}"]`,
        );
    } else if (!/^[0-9a-fA-F]{64}$/.test(checksum)) {
        problems.push(
            `buildkitSha256["${settings.platform}"] "${checksum}": a SHA-256 is 64 hexadecimal digits. Run sha256sum on the archive`,
        );
    }
    return problems;
}
