import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { architectures, type Platform } from "../architecture";
import { type ConnectNode, type Runner, type RunnerDescription, secondsPerMinute } from "../runner/runner";
import { renderConnectScript } from "./connectScript";
import { TimingRecord, type Timings } from "./timings";
import { Wakefulness } from "./wakefulness";

export interface RemoteBuilderArgs {
    /** Name of the buildx builder that people and CI use; each platform's own is `NAME-amd64` and so on. */
    builder: string;
    /** One runner for each platform. */
    runners: Runner[];
    /** The shortest time after which one of the runners stops, in minutes; 0: never. Heartbeats come well within it. */
    idleMinutes: number;
    /** File of this machine that gets the seconds of each build. @default none is written */
    timingsFile?: string;
}

/** How long a hook waits for the connect script's parts; under `pulumi up --target` some may never be known. */
const scriptTimeLimitSeconds = 60;

/**
 * A native-per-architecture buildx builder over the runners of a stack.
 *
 * It is not registered by `pulumi up` as such: a builder's record lives in one machine's buildx configuration. Each
 * platform's image has hooks that register it, and wake its runner, right before a build; people and CI do the same by
 * running `connect`.
 */
export class RemoteBuilder extends pulumi.ComponentResource {
    /** Name of the multi-node builder. */
    readonly builder: string;
    readonly platforms: readonly Platform[];
    readonly runners: pulumi.Output<{ [P in Platform]?: RunnerDescription }>;
    /** Complete sh script that connects a machine to the builder. Holds no secret, and nothing of this machine. */
    readonly connect: pulumi.Output<string>;

    private readonly record: TimingRecord;
    private readonly imageHooks: { [P in Platform]?: pulumi.ResourceHookBinding };
    private readonly prepareHook: pulumi.ResourceHook;
    private readonly runnerOf: { [P in Platform]?: Runner };

    constructor(name: string, args: RemoteBuilderArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:RemoteBuilder", name, {}, opts);
        this.builder = args.builder;
        this.platforms = args.runners.map((runner) => runner.platform);
        this.runnerOf = Object.fromEntries(args.runners.map((runner) => [runner.platform, runner]));
        this.runners = describeRunners(args.runners);
        this.connect = connectOutput(args);

        const wakefulness = new Wakefulness(() => promiseOf(this.connect), args.idleMinutes * secondsPerMinute);
        this.record = new TimingRecord(args.timingsFile);
        this.imageHooks = Object.fromEntries(
            this.platforms.map((platform) => [platform, imageHooks(name, platform, wakefulness, this.record)]),
        );
        this.prepareHook = new pulumi.ResourceHook(`${name}-prepare`, () => wakefulness.prepare());
        this.registerOutputs({ builder: this.builder, runners: this.runners, connect: this.connect });
    }

    /** What was built so far in this `up`, and how long it took. */
    get timings(): Timings {
        return this.record.timings;
    }

    /** Name of the builder that has only this platform's runner. */
    builderOf(platform: Platform): string {
        return `${this.builder}-${architectures[platform].suffix}`;
    }

    /** Options for the `docker_build.Image` of one platform: its hooks, and the runner it needs. */
    imageOptions(platform: Platform): pulumi.CustomResourceOptions {
        const runner = this.runnerOf[platform];
        const hooks = this.imageHooks[platform];
        if (!runner || !hooks) {
            throw new pulumi.RunError(
                `Builder ${this.builder} has no runner for platform ${platform}: it has ${this.platforms.join(", ")}.`,
            );
        }
        return { hooks, dependsOn: runner instanceof pulumi.Resource ? [runner] : [] };
    }

    /** Options for what speaks to the registry without a runner: the registry is made to run first. */
    indexOptions(): pulumi.CustomResourceOptions {
        return { hooks: { beforeCreate: [this.prepareHook], beforeUpdate: [this.prepareHook] } };
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
    return pulumi.output(nodes).apply((all) =>
        renderConnectScript({
            builder: args.builder,
            nodes: all,
            wakeScripts: files.map((file) => readFileSync(file, "utf8")),
        }),
    );
}

/** The value of an output; rejects if it is not known in time. */
function promiseOf(script: pulumi.Output<string>): Promise<string> {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
            reject(
                new Error(
                    `The connect script is not known after ${scriptTimeLimitSeconds} s, so the runner cannot be woken. ` +
                        "With --target, name the runners and certificates as well, or use --target-dependents.",
                ),
            );
        }, scriptTimeLimitSeconds * 1000);
        script.apply((text) => {
            clearTimeout(timer);
            resolve(text);
        });
    });
}

/** Hooks of one platform's images: connect before, note the time after. They run only for images that change. */
function imageHooks(
    name: string,
    platform: Platform,
    wakefulness: Wakefulness,
    timings: TimingRecord,
): pulumi.ResourceHookBinding {
    const { suffix } = architectures[platform];
    const wake = new pulumi.ResourceHook(`${name}-wake-${suffix}`, async (hook) => {
        const waking = await wakefulness.connect(platform, (line) => {
            void pulumi.log.info(line, undefined, undefined, true);
        });
        timings.begin(hook.name, platform, waking);
    });
    const built = new pulumi.ResourceHook(`${name}-built-${suffix}`, (hook) => {
        const timing = timings.end(hook.name);
        if (timing) {
            void pulumi.log.info(
                `${hook.name}: built for ${platform} in ${timing.building.toFixed(1)} s (waking ${timing.waking.toFixed(1)} s)`,
            );
        }
    });
    return { beforeCreate: [wake], beforeUpdate: [wake], afterCreate: [built], afterUpdate: [built] };
}
