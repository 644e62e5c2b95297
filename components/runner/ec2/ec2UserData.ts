import { architectures } from "../../architecture";
import { renderBuildkitdConfig } from "../buildkitdConfig";
import { buildSettings, cacheLimits } from "../settings";
import type { BootstrapSettings } from "./bootstrapSettings";
import { packUserData, renderUserData } from "./ec2Bootstrap";
import { buildkitRelease, cacheVolumeOf, defaults, type Ec2RunnerSettings } from "./ec2RunnerSettings";
import { runnerPaths } from "./runnerPaths";

/** Where a machine is, and what it has. */
export interface MachineFacts {
    region: string;
    /** Name of the parameter that it publishes its clients' keys in. */
    keysParameter: string;
    /** Names in its server certificate. */
    serverNames: string[];
    /** Where it emulates other machines with native compilers. @default it does not */
    emulation?: BootstrapSettings["emulation"];
    /** Where it is in a compile cluster. @default it is not */
    cluster?: BootstrapSettings["cluster"];
    /** Port of BuildKit. */
    port: number;
    /** Id of the security group whose rules connect writes; empty where there is none. */
    callersGroup: string;
    openForCallerMinutes: number;
    /** Device node of its cache volume; empty for a cache on the root disk. */
    cacheDevice: string;
    /** Size of the cache, in GiB. */
    cacheGigabytes: number;
    /** Minutes after the last build until it stops; 0: never. */
    idleMinutes: number;
}

/** The user data of a runner's machine, in base64, from the user's settings and the machine's facts. */
export function runnerUserData(settings: Ec2RunnerSettings, machine: MachineFacts): string {
    const { region, port } = machine;
    const { suffix } = architectures[settings.platform];
    const release = buildkitRelease(settings);
    const script = renderUserData({
        region,
        ssmEndpoint: (settings.ssmEndpoint ?? `https://ssm.${region}.${domainOf(region)}`).replace(/\/$/, ""),
        ec2Endpoint: `https://ec2.${region}.${domainOf(region)}`,
        callersGroup: machine.callersGroup,
        openForCallerMinutes: machine.openForCallerMinutes,
        keysParameter: machine.keysParameter,
        kmsKeyArn: settings.kmsKeyArn ?? "",
        serverNames: machine.serverNames,
        emulation: machine.emulation,
        cluster: machine.cluster,
        cacheDevice: machine.cacheDevice,
        buildkitUrl: release.url.replaceAll("{version}", release.version).replaceAll("{arch}", suffix),
        buildkitSha256: (release.sha256[settings.platform] ?? "").toLowerCase(),
        port,
        idleMinutes: machine.idleMinutes,
        cacheGigabytes: machine.cacheGigabytes,
        cacheThroughput: cacheVolumeOf(settings).cacheThroughput,
        stepMemoryMegabytes: buildSettings(settings).stepMemoryMegabytes,
        buildkitConfig: buildkitConfig(settings, machine),
    });
    return packUserData(script);
}

function buildkitConfig(settings: Ec2RunnerSettings, { port, cacheGigabytes }: MachineFacts): string {
    const { platform, registryMirrors } = settings;
    const { maxParallelism, historyDays, historyBuilds } = buildSettings(settings);
    const { maxUsedSpace, reservedSpace, minFreeSpace } = cacheLimits(cacheGigabytes);
    return renderBuildkitdConfig({
        platform,
        root: runnerPaths.buildkitRoot,
        server: {
            tcpAddress: `0.0.0.0:${port}`,
            ca: `${runnerPaths.tls}/ca.pem`,
            certificate: `${runnerPaths.tls}/cert.pem`,
            key: `${runnerPaths.tls}/key.pem`,
        },
        socket: runnerPaths.socket,
        otelSocket: runnerPaths.otelSocket,
        maxUsedSpace,
        reservedSpace,
        minFreeSpace,
        network: { configuration: runnerPaths.networkConfig, plugins: runnerPaths.networkPlugins },
        runtime: runnerPaths.stepRuntime,
        stepGroup: runnerPaths.stepGroup,
        maxParallelism,
        history: { days: historyDays, builds: historyBuilds },
        registryMirrors,
    });
}

/** Device node of a cache volume on its runner. */
export function cacheDeviceOf(volumeId: string, settings: Pick<Ec2RunnerSettings, "cacheDevice">): string {
    return (settings.cacheDevice ?? defaults.cacheDevice).replaceAll("{volume}", volumeId.replace("-", ""));
}

/** Domain of AWS's addresses: another one in China, and in the European Sovereign Cloud. As the AWS SDK has them. */
export function domainOf(region: string): string {
    const domains = { "cn-": "amazonaws.com.cn", "eusc-": "amazonaws.eu" };
    return Object.entries(domains).find(([regions]) => region.startsWith(regions))?.[1] ?? "amazonaws.com";
}
