import { shellQuote } from "../../shell";
import { buildNetwork } from "../buildNetwork";
import { cacheLimits, idleSecondsOf, lookSeconds } from "../settings";
import { clusterPorts } from "./clusterPorts";
import { runnerPaths } from "./runnerPaths";

/** What a runner has to know, as plain values, none of them secret. */
export interface BootstrapSettings {
    region: string;
    /** Where SSM is asked: the region's public address, or that of a VPC endpoint. No trailing slash. */
    ssmEndpoint: string;
    /** Name of the parameter that it publishes its clients' keys in. */
    keysParameter: string;
    /** Where EC2 is asked. No trailing slash. */
    ec2Endpoint: string;
    /** Id of the security group whose rules connect writes; empty where there is none. */
    callersGroup: string;
    /** The longest time for which a caller may be let in. */
    openForCallerMinutes: number;
    /** ARN of the customer key that encrypts the parameter; empty for the account's own. */
    kmsKeyArn: string;
    /** Names in its server certificate. */
    serverNames: string[];
    /** Where it emulates other machines with native compilers. @default it does not */
    emulation?: {
        /** The machines, as QEMU names them. */
        machines: readonly string[];
        /** Names of the parameters with what makes the compilers, and the SHA-256 of it all. */
        recipeParameters: string[];
        recipeSha256: string;
    };
    /** Where it is in the compile cluster of its stack's runners. @default it is not */
    cluster?: {
        /** icecream's name of the network. */
        name: string;
        /** Machines, as QEMU names them, whose build steps this runner runs. */
        originals: readonly string[];
        /** Machines that the cluster's nodes are. */
        helpers: readonly string[];
        /** Name of the parameter with the members. */
        membersParameter: string;
        /** Names of the parameters with what makes a node, and the SHA-256 of it all. */
        recipeParameters: string[];
        recipeSha256: string;
    };
    /** Device node of the cache volume (may be a shell pattern), or empty for a cache on the root disk. */
    cacheDevice: string;
    buildkitUrl: string;
    buildkitSha256: string;
    /** Port of BuildKit. */
    port: number;
    idleMinutes: number;
    /** Size of the cache, in GiB. */
    cacheGigabytes: number;
    /** Throughput of the cache volume, in MiB/s. */
    cacheThroughput: number;
    /** Memory of all build steps together, in MiB; 0: most of the machine's. */
    stepMemoryMegabytes: number;
    /** Text of buildkitd.toml. */
    buildkitConfig: string;
}

/** Variables of shell. */
type Values = { [name: string]: string | number };

/** The file `settings`, which the runner's scripts read: variables of shell. */
export function renderSettings(settings: BootstrapSettings): string {
    const idleSeconds = idleSecondsOf(settings.idleMinutes);
    const { low, lowMegabytes, roomMegabytes } = cacheLimits(settings.cacheGigabytes);
    const values: Values = {
        region: settings.region,
        ssm_endpoint: settings.ssmEndpoint,
        parameter: settings.keysParameter,
        ...(settings.callersGroup ? callersValues(settings) : {}),
        kms_key: settings.kmsKeyArn,
        server_names: settings.serverNames.join(" "),
        // At boot: after that the start has failed, and the runner stops. A runner that never stops tries on.
        publish_limit: idleSeconds === 0 ? 1e9 : 300,
        // How long a change of the parameter by others lasts.
        publish_seconds: 60,
        // Without a build, before a runner that never stops starts BuildKit with new keys: a job connects, and builds later.
        calm_seconds: 600,
        cache_device: settings.cacheDevice,
        cache_directory: runnerPaths.cache,
        // The volume is attached seconds after the instance's start, or never if that `up` failed.
        cache_wait_seconds: 600,
        buildkit_url: settings.buildkitUrl,
        buildkit_sha256: settings.buildkitSha256,
        installed_marker: runnerPaths.installedMarker,
        ...(settings.emulation && emulationValues(settings.emulation)),
        ...(settings.cluster && clusterValues(settings.cluster)),
        tls_directory: runnerPaths.tls,
        buildkit_config: runnerPaths.buildkitConfig,
        step_group: runnerPaths.stepGroup,
        step_memory_megabytes: settings.stepMemoryMegabytes,
        socket: runnerPaths.socket,
        port: settings.port,
        prefix: runnerPaths.prefix,
        console: "/dev/console",
        bridge: buildNetwork.bridge,
        cni_directory: runnerPaths.networkPlugins,
        idle_seconds: idleSeconds,
        // A runner whose start has failed stops after this: who waits for it is told sooner, and the console keeps what it said.
        failed_seconds: Math.min(10, idleSeconds),
        // Between two looks a build cannot fill the space that is left free.
        look_seconds: lookSeconds(idleSeconds, Math.min(15, low / (settings.cacheThroughput * 2 ** 20))),
        // A client begins its build well under ten seconds after it connects.
        grace_seconds: 10,
        low_mb: lowMegabytes,
        room_mb: roomMegabytes,
    };
    return Object.entries(values)
        .map(([name, value]) => `${name}=${shellQuote(String(value))}\n`)
        .join("");
}

function callersValues({ ec2Endpoint, callersGroup, openForCallerMinutes }: BootstrapSettings): Values {
    return {
        ec2_endpoint: ec2Endpoint,
        callers_group: callersGroup,
        open_seconds: Math.round(openForCallerMinutes * 60),
    };
}

function emulationValues(emulation: NonNullable<BootstrapSettings["emulation"]>): Values {
    return {
        emulates: emulation.machines.join(" "),
        toolchains: runnerPaths.toolchains,
        toolchain_recipe: runnerPaths.toolchainRecipe,
        recipe_parameters: emulation.recipeParameters.join(" "),
        recipe_sha256: emulation.recipeSha256,
    };
}

function clusterValues(cluster: NonNullable<BootstrapSettings["cluster"]>): Values {
    return {
        cluster_name: cluster.name,
        cluster_folder: runnerPaths.cluster,
        cluster_recipe: runnerPaths.clusterRecipe,
        cluster_originals: cluster.originals.join(" "),
        cluster_helpers: cluster.helpers.join(" "),
        cluster_parameters: cluster.recipeParameters.join(" "),
        cluster_sha256: cluster.recipeSha256,
        members_parameter: cluster.membersParameter,
        scheduler_port: clusterPorts.scheduler,
        daemon_port: clusterPorts.daemon,
    };
}
