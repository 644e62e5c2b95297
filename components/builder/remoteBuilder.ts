import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type { Here } from "../../provider/process/here";
import { architectures, type Platform } from "../architecture";
import type { Registry } from "../registry/registry";
import type { RegistryLogin } from "../registry/registryLogin";
import type { ConnectNode, Runner, RunnerDescription } from "../runner/runner";
import { renderConnectScript } from "./connect/connectScript";

export interface RemoteBuilderArgs {
    /** Name of the buildx builder that people and CI use; each platform's own is `NAME-amd64` and so on. */
    builder: string;
    /** One runner for each platform. */
    runners: Runner[];
    /** Where its images are pushed: `connect` brings it to serving where it has to be. @default nothing is brought up */
    registry?: Registry;
    /** How many builds of one `pulumi up` run side by side on one runner. @default 4 */
    buildsPerRunner?: number;
}

/** A build of a few steps keeps a core busy, and small runners have four. */
const defaultBuildsPerRunner = 4;

/**
 * A native-per-architecture buildx builder over the runners of a stack.
 *
 * It is not registered by `pulumi up` as such: a builder's record lives in one machine's buildx configuration. Each
 * platform's image registers it, and wakes its runner, right before its build; people and CI do the same by running
 * `connect`.
 */
export class RemoteBuilder extends pulumi.ComponentResource {
    /** Name of the multi-node builder. */
    readonly builder: string;
    readonly platforms: readonly Platform[];
    readonly runners: pulumi.Output<{ [P in Platform]?: RunnerDescription }>;
    /** Complete sh script that connects a machine to the builder. Holds no secret, and nothing of this machine. */
    readonly connect: pulumi.Output<string>;

    private readonly runnerOf: { [P in Platform]?: Runner };
    private readonly buildsPerRunner: number;

    constructor(name: string, args: RemoteBuilderArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:RemoteBuilder", name, {}, opts);
        this.builder = args.builder;
        this.platforms = args.runners.map((runner) => runner.platform);
        this.runnerOf = Object.fromEntries(args.runners.map((runner) => [runner.platform, runner]));
        this.runners = describeRunners(args.runners);
        this.connect = connectOutput(args);

        this.buildsPerRunner = args.buildsPerRunner ?? defaultBuildsPerRunner;
        this.registerOutputs({ builder: this.builder, runners: this.runners, connect: this.connect });
    }

    /** Name of the builder that has only this platform's runner. */
    builderOf(platform: Platform): string {
        return `${this.builder}-${architectures[platform].suffix}`;
    }

    /** Options for the image of one platform: it needs its runner. */
    imageOptions(platform: Platform): pulumi.CustomResourceOptions {
        const runner = this.runnerOf[platform];
        if (!runner) {
            throw new pulumi.RunError(
                `Builder ${this.builder} has no runner for platform ${platform}: it has ${this.platforms.join(", ")}.`,
            );
        }
        return { dependsOn: runner instanceof pulumi.Resource ? [runner] : [] };
    }

    /** What an image or index needs of this machine and this moment: no part of the state. */
    here(login?: pulumi.Input<RegistryLogin>): { [P in keyof Here]: pulumi.Input<Here[P]> } {
        // Each by itself: in a preview the script may not be known yet, and the folder is.
        const { connect, buildsPerRunner } = this;
        return {
            connect,
            project: process.cwd(),
            buildsPerRunner,
            ...(login ? { login: pulumi.secret(login) as pulumi.Output<Here["login"]> } : {}),
        };
    }
}

function describeRunners(runners: Runner[]): pulumi.Output<{ [P in Platform]?: RunnerDescription }> {
    return pulumi.output(Object.fromEntries(runners.map((runner) => [runner.platform, runner.description])));
}

function connectOutput(args: RemoteBuilderArgs): pulumi.Output<string> {
    const nodes: { [platform: string]: pulumi.Output<ConnectNode> } = Object.fromEntries(
        args.runners.map((runner) => [runner.platform, runner.node]),
    );
    const files = [...new Set(args.runners.map((runner) => runner.wakeScript))];
    const { kind = "", prepare } = args.registry ?? {};
    return pulumi.output(nodes).apply((all) =>
        renderConnectScript({
            builder: args.builder,
            nodes: all,
            wakeScripts: files.map((file) => readFileSync(file, "utf8")),
            ...(prepare ? { registry: { kind, ...prepare } } : {}),
        }),
    );
}
