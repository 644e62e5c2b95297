import { readFileSync } from "node:fs";
import * as path from "node:path";
import type { Platform } from "../../architecture";
import { shellQuote } from "../../shell";
import { type BuildkitdConfig, renderBuildkitdConfig } from "../buildkitdConfig";
import { buildNetwork, buildNetworkConfig, dualBuildNetworkConfig } from "../buildNetwork";
import type { RegistryMirrors } from "../registryMirrors";
import { type BuildSettings, cacheLimits, idleSecondsOf, lookSeconds } from "../settings";

/** Paths in a pod that more than one of its files, or its container, must agree on. */
export const podPaths = {
    /** Its scripts and configuration. */
    library: "/etc/native-buildx",
    /** Where the cache volume is mounted. */
    cache: "/var/lib/buildkit",
    /** What is of one start only. */
    run: "/run/native-buildx",
    sockets: "/run/buildkit",
    /** Where `buildctl dial-stdio` looks, which clients run. */
    socket: "/run/buildkit/buildkitd.sock",
    /** Since when no start of its container has served. It outlives them, as it is in the sockets' volume. */
    unserved: "/run/buildkit/unserved",
    serviceAccount: "/var/run/secrets/kubernetes.io/serviceaccount",
} as const;

/** What a pod has to know. Plain, and none of it secret. */
export interface PodSettings extends BuildSettings {
    platform: Platform;
    namespace: string;
    /** Name of its StatefulSet. */
    statefulSet: string;
    /** Minutes after the last build until it is scaled to 0; 0: never. */
    idleMinutes: number;
    /** Room for the build cache, in GiB. */
    cacheGigabytes: number;
    registryMirrors: RegistryMirrors;
    /** Address ranges that build steps may not reach. */
    refusedCidrs: readonly string[];
}

/**
 * Where clouds hand out the credentials of a node or a pod. Not all link-local addresses: a cluster's name server may have one, and
 * that of GKE's Cloud DNS is the first (https://cloud.google.com/kubernetes-engine/docs/how-to/cloud-dns). Azure's is WireServer's.
 */
export const metadataAddresses = [
    // Most clouds.
    "169.254.169.254/32",
    // Alibaba Cloud: https://www.alibabacloud.com/help/en/ecs/user-guide/overview-of-ecs-instance-metadata
    "100.100.100.200/32",
    // Azure's WireServer, which has a node's secrets: https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16
    "168.63.129.16/32",
    // EKS Pod Identity: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html
    "169.254.170.23/32",
    "fd00:ec2::23/128",
    "fd00:ec2::254/128",
    // Google Cloud.
    "fd20:ce::254/128",
] as const;

/** Names in a pod, and where their text is. */
const scripts: { [name: string]: string } = {
    "serve.sh": "pod/serve.sh",
    "common.sh": "pod/common.sh",
    "idle.sh": "pod/idle.sh",
    "scale.sh": "pod/scale.sh",
    "door.sh": "pod/door.sh",
    "drain.sh": "pod/drain.sh",
    "unserved.sh": "pod/unserved.sh",
    "idle-rule.sh": "../idle.sh",
    "room.sh": "../room.sh",
    "steps.sh": "../steps.sh",
    "step-firewall.sh": "../stepFirewall.sh",
    "step-runtime.sh": "../stepRuntime.sh",
};

/** What a runner's pod finds below `podPaths.library`, by name. */
export function podFiles(settings: PodSettings): { [name: string]: string } {
    return {
        ...Object.fromEntries(
            Object.entries(scripts).map(([name, source]) => [name, readFileSync(path.join(__dirname, source), "utf8")]),
        ),
        "settings.sh": renderSettings(settings),
        "buildkitd.toml": renderBuildkitdConfig(buildkitdConfig(settings)),
        "builds.conflist": JSON.stringify(buildNetworkConfig),
        "builds6.conflist": JSON.stringify(dualBuildNetworkConfig),
    };
}

function buildkitdConfig(settings: PodSettings): BuildkitdConfig {
    const { platform, maxParallelism, historyDays, historyBuilds, registryMirrors } = settings;
    const { maxUsedSpace, reservedSpace, minFreeSpace } = cacheLimits(settings.cacheGigabytes);
    return {
        platform,
        // serve.sh knows these two.
        machinePlatform: "linux/@machine@",
        stepGroup: "@group@",
        root: `${podPaths.cache}/root`,
        socket: podPaths.socket,
        otelSocket: `${podPaths.sockets}/otel-grpc.sock`,
        maxUsedSpace,
        reservedSpace,
        minFreeSpace,
        // serve.sh chooses between two.
        network: { configuration: `${podPaths.run}/builds.conflist`, plugins: `${podPaths.run}/cni` },
        runtime: `${podPaths.library}/step-runtime.sh`,
        maxParallelism,
        history: { days: historyDays, builds: historyBuilds },
        registryMirrors,
    };
}

function renderSettings(settings: PodSettings): string {
    const idleSeconds = idleSecondsOf(settings.idleMinutes);
    const { lowMegabytes, roomMegabytes } = cacheLimits(settings.cacheGigabytes);
    const values: { [name: string]: string | number } = {
        namespace: settings.namespace,
        stateful_set: settings.statefulSet,
        idle_seconds: idleSeconds,
        look_seconds: lookSeconds(idleSeconds, 10),
        // From a client's connection to its first build there are well under ten seconds.
        grace_seconds: 10,
        // As long as connect waits. A runner that never sleeps tries for ever.
        unserved_seconds: idleSeconds > 0 ? 600 : 0,
        low_mb: lowMegabytes,
        room_mb: roomMegabytes,
        step_memory_megabytes: settings.stepMemoryMegabytes,
        step_group: "native-buildx",
        bridge: buildNetwork.bridge,
        refused: [...metadataAddresses, ...settings.refusedCidrs].join(" "),
        cache_directory: podPaths.cache,
        run_directory: podPaths.run,
        socket: podPaths.socket,
        unserved: podPaths.unserved,
        service_account: podPaths.serviceAccount,
        processes: "/proc",
        name_servers: "/etc/resolv.conf",
        // The name that every container runtime gives it.
        interface: "/sys/class/net/eth0",
    };
    return Object.entries(values)
        .map(([name, value]) => `${name}=${shellQuote(String(value))}\n`)
        .join("");
}
