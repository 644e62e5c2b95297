import { readFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { type Platform } from "../../architecture";
import { LocalFolder } from "../../localMachine/localFolder";
import type { RegistryTrust } from "../../registry/registry";
import { type BuildkitdConfig, renderBuildkitdConfig } from "../buildkitdConfig";
import { emulatedMachines } from "../emulation/recipe";
import type { RegistryMirrors } from "../registryMirrors";
import { type ConnectNode, type Runner, type RunnerDescription } from "../runner";
import { serverNameOf } from "../runnerNames";
import { type BuildSettings, buildSettings, cacheLimits, idleSecondsOf } from "../settings";

export interface LocalRunnerArgs extends Partial<BuildSettings> {
    /** See `runnerNames`. */
    runner: string;
    platform: Platform;
    /** Folder of the stack, below the data folder of this machine. */
    stackFolder: string;
    /** Port on 127.0.0.1. */
    port: number;
    /** The runner ends itself after so many minutes without a build; 0: never. */
    idleMinutes: number;
    /** Room for the build cache, in GiB. */
    cacheGigabytes: number;
    /** Compilers of a platform that is emulated run natively, where their toolchain was made. @default true */
    nativeCompilers?: boolean;
    /** Registries on this machine, whose certificate authorities it has to trust. @default none */
    trust?: RegistryTrust | readonly RegistryTrust[];
    /** Mirrors to pull from, by the host of the registry that they stand for. @default none */
    registryMirrors?: RegistryMirrors;
}

const kind = "local";

/**
 * What the wake script replaces, because it differs from machine to machine: the path of the runner's folder, `uname -m`,
 * and the control group of its build steps.
 */
const folder = "@folder@";
const machine = "@machine@";
const stepGroup = "@group@";

/** The buildkitd.toml of a local runner. */
export function localBuildkitdConfig(args: LocalRunnerArgs): BuildkitdConfig {
    const { maxUsedSpace, reservedSpace } = cacheLimits(args.cacheGigabytes);
    const { maxParallelism, historyDays, historyBuilds } = buildSettings(args);
    return {
        platform: args.platform,
        machinePlatform: `linux/${machine}`,
        root: `${folder}/root`,
        server: {
            tcpAddress: `127.0.0.1:${args.port}`,
            ca: `${folder}/keys/ca.pem`,
            certificate: `${folder}/keys/cert.pem`,
            key: `${folder}/keys/key.pem`,
        },
        socket: `${folder}/buildkitd.sock`,
        otelSocket: `${folder}/otel.sock`,
        maxUsedSpace,
        reservedSpace,
        minFreeSpace: 2 * 2 ** 30,
        // The machine's own network: BuildKit's bridge needs CNI plugins and root, and on a person's own machine a step may
        // reach what the person can.
        network: "host",
        runtime: `${folder}/step-runtime.sh`,
        stepGroup,
        maxParallelism,
        history: { days: historyDays, builds: historyBuilds },
        registryCa: Object.fromEntries(
            trustsOf(args).map((trust) => [trust.host, `${folder}/${registryCa(args, trust)}`]),
        ),
        registryMirrors: args.registryMirrors,
    };
}

/** The runner's folder, below the data folder of a machine. */
function folderOf({ stackFolder, runner }: LocalRunnerArgs): string {
    return path.join(stackFolder, runner);
}

function trustsOf({ trust = [] }: LocalRunnerArgs): readonly RegistryTrust[] {
    return [trust].flat();
}

/** The file of the registry's authority, from the runner's folder. */
function registryCa(args: LocalRunnerArgs, trust: RegistryTrust): string {
    return path.relative(folderOf(args), trust.certificateFile);
}

/**
 * A BuildKit daemon on this machine that builds one platform: natively where it is the machine's own, through QEMU
 * where it is not. Listens on 127.0.0.1 with mutual TLS, and ends itself when idle.
 */
export class LocalRunner extends pulumi.ComponentResource implements Runner {
    readonly runnerName: string;
    readonly platform: Platform;
    readonly description: pulumi.Output<RunnerDescription>;
    readonly node: pulumi.Output<ConnectNode>;
    readonly wakeScripts = [path.join(__dirname, "wakeLocal.sh")];
    readonly trusts: readonly RegistryTrust[];

    constructor(name: string, args: LocalRunnerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:LocalRunner", name, {}, opts);
        new LocalFolder(name, { folder: folderOf(args), script: "runner.sh" }, { parent: this });

        const { runner, platform, idleMinutes } = args;
        this.runnerName = runner;
        this.platform = platform;
        this.trusts = trustsOf(args);
        this.description = pulumi.output({ kind, platform, id: folderOf(args), idleMinutes });
        this.node = pulumi.output(connectNode(args));
        this.registerOutputs({ description: this.description });
    }
}

function connectNode(args: LocalRunnerArgs): ConnectNode {
    const script = (...file: string[]) => readFileSync(path.join(__dirname, ...file), "utf8");
    const trusts = trustsOf(args);
    return {
        kind,
        platform: args.platform,
        serverName: serverNameOf(args.runner),
        variables: {
            folder: folderOf(args),
            name: `${args.platform} runner`,
            endpoint: `tcp://127.0.0.1:${args.port}`,
            idle_seconds: String(idleSecondsOf(args.idleMinutes)),
            step_memory_megabytes: String(buildSettings(args).stepMemoryMegabytes),
            emulator: emulatedMachines([args.platform], args.nativeCompilers).join(" "),
            configuration: renderBuildkitdConfig(localBuildkitdConfig(args)),
            trusted_hosts: trusts.map(({ host }) => host.replace(/:\d+$/, "")).join(","),
            trusted_files: trusts.map((trust) => registryCa(args, trust)).join("\n"),
        },
        shared: {
            daemon_script: script("..", "..", "localMachine", "daemon.sh"),
            keys_script: script("..", "keys.sh"),
            idle_script: script("..", "idle.sh"),
            steps_script: script("..", "steps.sh"),
            room_script: script("..", "room.sh"),
            step_runtime_script: script("..", "stepRuntime.sh"),
            emulation_script: script("..", "emulation", "emulation.sh"),
            step_mounts_script: script("..", "stepMounts.sh"),
            watch_script: script("watch.sh"),
            runner_script: script("runner.sh"),
        },
    };
}
