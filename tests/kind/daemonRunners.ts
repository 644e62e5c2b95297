import { readFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../../components/architecture";
import { LocalFolder } from "../../components/localMachine/localFolder";
import type { RegistryTrust } from "../../components/registry/registry";
import { renderBuildkitdConfig } from "../../components/runner/buildkitdConfig";
import type { ConnectNode, Runner, RunnerDescription } from "../../components/runner/runner";
import { namedRunners, serverNameOf } from "../../components/runner/runnerNames";
import type { Runners } from "../../components/runner/runners";
import { cacheLimits, platformMistakes, type RunnerValues } from "../../components/runner/settings";
import { refuseArguments } from "../../components/settings/mistakes";

export interface DaemonRunnersArgs extends RunnerValues {
    daemonPort: number;
    /** Folder of the stack, below the data folder of this machine. */
    stackFolder: string;
    trust?: RegistryTrust;
}

/** Bare daemons: they listen on 127.0.0.1 with mutual TLS, and serve until they are ended. */
export class DaemonRunners extends pulumi.ComponentResource implements Runners {
    readonly runners: readonly Runner[];

    constructor(name: string, args: DaemonRunnersArgs, opts?: pulumi.ComponentResourceOptions) {
        super("test:index:DaemonRunners", name, {}, opts);
        refuseArguments(platformMistakes(args.platforms));
        this.runners = namedRunners(args.platforms, args.runnersPerPlatform).map(
            ({ runner, platform }, at) =>
                new DaemonRunner(`${name}-${runner}`, { ...args, runner, platform, port: args.daemonPort + at }, this),
        );
        this.registerOutputs({});
    }
}

interface DaemonRunnerArgs extends DaemonRunnersArgs {
    runner: string;
    platform: Platform;
    port: number;
}

class DaemonRunner extends pulumi.ComponentResource implements Runner {
    readonly runnerName: string;
    readonly platform: Platform;
    readonly description: pulumi.Output<RunnerDescription>;
    readonly node: pulumi.Output<ConnectNode>;
    readonly wakeScripts = [path.join(__dirname, "wakeDaemon.sh")];

    constructor(name: string, args: DaemonRunnerArgs, parent: pulumi.Resource) {
        super("test:index:DaemonRunner", name, {}, { parent });
        const { stackFolder, runner, platform } = args;
        const id = `${stackFolder}/${runner}`;
        new LocalFolder(name, { folder: id, script: "runner.sh" }, { parent: this });
        this.runnerName = runner;
        this.platform = platform;
        this.description = pulumi.output({ kind: "daemon", platform, id, idleMinutes: 0 });
        this.node = pulumi.output(nodeOf(args, id));
        this.registerOutputs({});
    }
}

/** The wake script puts the path of the runner's folder in place of `@folder@`: on another machine it is another. */
function nodeOf({ runner, platform, port, cacheGigabytes, trust }: DaemonRunnerArgs, folder: string): ConnectNode {
    const script = (file: string) => readFileSync(path.join(__dirname, file), "utf8");
    const { maxUsedSpace, reservedSpace } = cacheLimits(cacheGigabytes);
    const configuration = renderBuildkitdConfig({
        platform,
        root: "@folder@/root",
        server: {
            tcpAddress: `127.0.0.1:${port}`,
            ca: "@folder@/keys/ca.pem",
            certificate: "@folder@/keys/cert.pem",
            key: "@folder@/keys/key.pem",
        },
        socket: "@folder@/buildkitd.sock",
        otelSocket: "@folder@/otel.sock",
        maxUsedSpace,
        reservedSpace,
        minFreeSpace: 0,
        network: "host",
        registryCa: trust && { [trust.host]: `@folder@/${path.relative(folder, trust.certificateFile)}` },
    });
    return {
        kind: "daemon",
        platform,
        serverName: serverNameOf(runner),
        variables: { folder, endpoint: `tcp://127.0.0.1:${port}`, configuration },
        shared: {
            keys_script: script("../../components/runner/keys.sh"),
            runner_script: script("runner.sh"),
        },
    };
}
