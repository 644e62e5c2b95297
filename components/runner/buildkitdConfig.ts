import type { Platform } from "../architecture";
import { type RegistryMirrors, registryTables } from "./registryMirrors";

/** The contents of a runner's buildkitd.toml. Paths are absolute, or relative to the daemon's working directory. */
export interface BuildkitdConfig {
    platform: Platform;
    /** The machine's own platform: BUILDPLATFORM, so that cross compilers need no emulation. @default `platform` */
    machinePlatform?: string;
    /** Folder of the daemon's state, cache included. */
    root: string;
    /** Serves on an address, with mutual TLS. @default on its socket only */
    server?: BuildkitdServer;
    /** Unix socket for the machine's own use (health, idle rule), without TLS. */
    socket: string;
    /** Socket of its trace collector: two daemons of one machine must not share one. */
    otelSocket: string;
    /** Garbage collection runs after builds and keeps the cache within these, in bytes. */
    maxUsedSpace: number;
    /** Never collected below this much, in bytes. */
    reservedSpace: number;
    /** More is collected while the disk has less free than this, in bytes. */
    minFreeSpace: number;
    /** `host` for build steps in the machine's own network, or the CNI network that they get. */
    network: "host" | CniNetwork;
    /** Registries (`host:port`) whose certificate another authority signed, with the path of its certificate. */
    registryCa?: { [host: string]: string };
    /** Mirrors to pull from in place of a registry. @default none */
    registryMirrors?: RegistryMirrors;
    /** Command that runs build steps in containers. @default runc */
    runtime?: string;
    /** Control group of all build steps: a path below the top of the hierarchy. @default BuildKit's own choice */
    stepGroup?: string;
    /** Build steps at once; 0: the runner chooses at its start. @default 0 */
    maxParallelism?: number;
    /** The history keeps builds of so many days, and the newest so many whatever their age. @default BuildKit's own choice */
    history?: { days: number; builds: number };
}

/** Where a daemon serves clients, and whom. Paths as in BuildkitdConfig. */
export interface BuildkitdServer {
    /** `HOST:PORT`. */
    tcpAddress: string;
    /** Certificate of the authority whose clients are let in. */
    ca: string;
    certificate: string;
    key: string;
}

/** A network of CNI plugins. */
export interface CniNetwork {
    /** File of its configuration, whose name ends in `.conflist`. */
    configuration: string;
    /** Folder of the plugins. */
    plugins: string;
}

/**
 * Renders buildkitd.toml.
 *
 * Garbage collection is set explicitly because BuildKit's default policy removes cache mounts that were unused for 48
 * hours: Monday's build would find no compiler cache.
 */
export function renderBuildkitdConfig(config: BuildkitdConfig): string {
    // TOML's basic strings are JSON's.
    const text = (value: string) => JSON.stringify(value);
    // The first is BUILDPLATFORM.
    const platforms = [...(config.machinePlatform ? [config.machinePlatform] : []), config.platform];
    const worker = [
        "[worker.oci]",
        "  enabled = true",
        `  platforms = [${platforms.map(text).join(", ")}]`,
        ...(config.network === "host"
            ? ['  networkMode = "host"']
            : [
                  '  networkMode = "cni"',
                  `  cniConfigPath = ${text(config.network.configuration)}`,
                  `  cniBinaryPath = ${text(config.network.plugins)}`,
              ]),
        ...(config.runtime ? [`  binary = ${text(config.runtime)}`] : []),
        ...(config.stepGroup ? [`  defaultCgroupParent = ${text(config.stepGroup)}`] : []),
        ...(config.maxParallelism ? [`  max-parallelism = ${config.maxParallelism}`] : []),
        "  gc = true",
        "  [[worker.oci.gcpolicy]]",
        "    all = true",
        `    maxUsedSpace = ${config.maxUsedSpace}`,
        `    reservedSpace = ${config.reservedSpace}`,
        `    minFreeSpace = ${config.minFreeSpace}`,
    ];
    return [
        `root = ${text(config.root)}`,
        "",
        "[grpc]",
        ...grpcLines(config).map((line) => `  ${line}`),
        "",
        "[otel]",
        `  socketPath = ${text(config.otelSocket)}`,
        "",
        ...worker,
        "",
        "[worker.containerd]",
        "  enabled = false",
        "",
        ...(config.history ? historyTable(config.history) : []),
        ...registryTables(config.registryMirrors ?? {}, config.registryCa ?? {}),
    ].join("\n");
}

function grpcLines({ socket, server }: BuildkitdConfig): string[] {
    const addresses = [`unix://${socket}`, ...(server ? [`tcp://${server.tcpAddress}`] : [])];
    const { ca, certificate, key } = server ?? {};
    return [
        `address = [${addresses.map((address) => JSON.stringify(address)).join(", ")}]`,
        ...(server
            ? [
                  "[grpc.tls]",
                  `  ca = ${JSON.stringify(ca)}`,
                  `  cert = ${JSON.stringify(certificate)}`,
                  `  key = ${JSON.stringify(key)}`,
              ]
            : []),
    ];
}

/** BuildKit removes a build that exceeds both limits. */
function historyTable({ days, builds }: { days: number; builds: number }): string[] {
    return ["[history]", `  maxAge = "${days * 24}h"`, `  maxEntries = ${builds}`, ""];
}
