import { readFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { architectures, type Platform } from "../../architecture";
import type { KeyPair } from "../../certificates";
import { type BuildkitdConfig, renderBuildkitdConfig } from "../buildkitdConfig";
import { type ConnectNode, type Runner, type RunnerDescription, secondsPerMinute } from "../runner";
import { dataFolder } from "./dataFolder";
import { LocalFolder } from "./localFolder";
import type { LocalRegistry } from "./localRegistry";

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
    certificate: KeyPair;
    registry: LocalRegistry;
}

/** The buildkitd.toml of a local runner in `folder`. */
export function localBuildkitdConfig(folder: string, args: Omit<LocalRunnerArgs, "certificate">): BuildkitdConfig {
    return {
        platform: args.platform,
        root: path.join(folder, "root"),
        tcpAddress: `127.0.0.1:${args.port}`,
        socket: path.join(folder, "buildkitd.sock"),
        otelSocket: path.join(folder, "otel.sock"),
        ca: path.join(folder, "tls/ca.pem"),
        certificate: path.join(folder, "tls/cert.pem"),
        key: path.join(folder, "tls/key.pem"),
        maxUsedSpace: args.cacheGigabytes * gigabyte,
        reservedSpace: Math.min(args.cacheGigabytes / 5, 5) * gigabyte,
        minFreeSpace: 2 * gigabyte,
        // The machine's own network: BuildKit's bridge needs CNI plugins and root, and a step on one's own machine may
        // reach what its owner can.
        network: "host",
        registryCa: { [args.registry.address]: args.registry.caFile },
    };
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
        const { suffix } = architectures[args.platform];
        const folder = path.join(args.stackFolder, suffix);

        new LocalFolder(name, { folder, script: "runner.sh" }, { parent: this });

        this.platform = args.platform;
        this.description = pulumi.output({ kind: "local", id: folder, idleMinutes: args.idleMinutes });
        this.node = this.connectNode(path.join(dataFolder(), folder), args);
        this.registerOutputs({ description: this.description });
    }

    private connectNode(folder: string, args: LocalRunnerArgs): pulumi.Output<ConnectNode> {
        const script = (...file: string[]) => readFileSync(path.join(__dirname, ...file), "utf8");
        const { certificate, key } = args.certificate;
        const node = pulumi.all([args.registry.variables, certificate, key]).apply(
            ([registry, certificatePem, keyPem]): ConnectNode => ({
                kind: "local",
                serverName: args.serverName,
                variables: {
                    folder,
                    name: `${args.platform} runner`,
                    endpoint: `tcp://127.0.0.1:${args.port}`,
                    idle_seconds: String(Math.round(args.idleMinutes * secondsPerMinute)),
                    configuration: renderBuildkitdConfig(localBuildkitdConfig(folder, args)),
                    certificate: certificatePem,
                    key: keyPem,
                },
                shared: { ...registry, idle_script: script("..", "idle.sh"), runner_script: script("runner.sh") },
            }),
        );
        return pulumi.secret(node) as pulumi.Output<ConnectNode>;
    }
}
