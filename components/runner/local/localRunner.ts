import { readFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { architectures, type Platform } from "../../architecture";
import { LocalFolder } from "../../localFolder";
import type { LocalRegistry } from "../../registry/local/localRegistry";
import { type BuildkitdConfig, renderBuildkitdConfig } from "../buildkitdConfig";
import type { RegistryMirrors } from "../registryMirrors";
import { type ConnectNode, type Runner, type RunnerDescription, secondsPerMinute } from "../runner";

const gigabyte = 1e9;

export interface LocalRunnerArgs {
    platform: Platform;
    /** Folder of the stack, below the data folder of this machine. */
    stackFolder: string;
    /** Port on 127.0.0.1. */
    port: number;
    /** The runner ends itself after so many minutes without a build; 0: never. */
    idleMinutes: number;
    /** The build cache is kept below this, in GB (10^9 bytes). */
    cacheGigabytes: number;
    /** Name in the runner's server certificate. */
    serverName: string;
    registry: LocalRegistry;
    /** Mirrors to pull from, by the host of the registry that they stand for. @default none */
    registryMirrors?: RegistryMirrors;
}

/** What the wake script replaces by the path of the runner's folder: another one on each machine. */
const folder = "@folder@";

/** The buildkitd.toml of a local runner. */
export function localBuildkitdConfig(args: LocalRunnerArgs): BuildkitdConfig {
    return {
        platform: args.platform,
        root: `${folder}/root`,
        tcpAddress: `127.0.0.1:${args.port}`,
        socket: `${folder}/buildkitd.sock`,
        otelSocket: `${folder}/otel.sock`,
        ca: `${folder}/keys/ca.pem`,
        certificate: `${folder}/keys/cert.pem`,
        key: `${folder}/keys/key.pem`,
        maxUsedSpace: args.cacheGigabytes * gigabyte,
        reservedSpace: Math.min(args.cacheGigabytes / 5, 5) * gigabyte,
        minFreeSpace: 2 * gigabyte,
        // The machine's own network: BuildKit's bridge needs CNI plugins and root, and a step on one's own machine may
        // reach what its owner can.
        network: "host",
        registryCa: { [args.registry.address]: `${folder}/${path.relative(folderOf(args), args.registry.trustFile)}` },
        registryMirrors: args.registryMirrors,
    };
}

/** The runner's folder, below the data folder of a machine. */
function folderOf({ stackFolder, platform }: LocalRunnerArgs): string {
    return path.join(stackFolder, architectures[platform].suffix);
}

/**
 * A BuildKit daemon on this machine that builds one platform: natively where it is the machine's own, through QEMU
 * where it is not. Listens on 127.0.0.1 with mutual TLS, and ends itself when idle.
 */
export class LocalRunner extends pulumi.ComponentResource implements Runner {
    readonly platform: Platform;
    readonly description: pulumi.Output<RunnerDescription>;
    readonly node: pulumi.Output<ConnectNode>;
    readonly wakeScript = path.join(__dirname, "wakeLocal.sh");

    constructor(name: string, args: LocalRunnerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:LocalRunner", name, {}, opts);
        new LocalFolder(name, { folder: folderOf(args), script: "runner.sh" }, { parent: this });

        this.platform = args.platform;
        this.description = pulumi.output({ kind: "local", id: folderOf(args), idleMinutes: args.idleMinutes });
        this.node = pulumi.output(connectNode(args));
        this.registerOutputs({ description: this.description });
    }
}

function connectNode(args: LocalRunnerArgs): ConnectNode {
    const script = (...file: string[]) => readFileSync(path.join(__dirname, ...file), "utf8");
    return {
        kind: "local",
        serverName: args.serverName,
        variables: {
            folder: folderOf(args),
            name: `${args.platform} runner`,
            endpoint: `tcp://127.0.0.1:${args.port}`,
            idle_seconds: String(Math.round(args.idleMinutes * secondsPerMinute)),
            configuration: renderBuildkitdConfig(localBuildkitdConfig(args)),
        },
        shared: {
            ...args.registry.variables,
            keys_script: script("..", "keys.sh"),
            idle_script: script("..", "idle.sh"),
            runner_script: script("runner.sh"),
        },
    };
}
