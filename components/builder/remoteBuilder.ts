import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type { Helper, Here } from "../../provider/process/here";
import type { Platform } from "../architecture";
import type { Registry } from "../registry/registry";
import type { RegistryLogin } from "../registry/registryLogin";
import type { Runner, RunnerDescription } from "../runner/runner";
import { argumentMistakes } from "../settings/arguments";
import { refuseArguments } from "../settings/mistakes";
import { builderArguments, builderMistakes, defaultBuildsPerRunner } from "./builderMistakes";
import { renderConnectScript } from "./connect/connectScript";
import { Placement } from "./placement";

export interface RemoteBuilderArgs {
    /**
     * Name of the buildx builder that people and CI use, in small letters; each runner's own is `NAME-amd64`, `NAME-amd64_2` and
     * so on. buildx takes letters, digits and `._-`, a letter first.
     */
    builder: string;
    /** One or more for each platform. */
    runners: readonly Runner[];
    /** Where its images are pushed. `connect` starts it where it has to be started. @default nothing is started */
    registry?: Registry;
    /** How many builds of one `pulumi up` run side by side on one runner. @default 4 */
    buildsPerRunner?: number;
}

/** Where an image is built. */
export interface Place {
    /** The runner's name. */
    runner: string;
    /** Name of the builder that has only this runner. */
    builder: string;
    options: pulumi.CustomResourceOptions;
}

/**
 * A native-per-architecture buildx builder over the runners of a stack.
 *
 * The component does not register it: a builder's record lives in the buildx configuration of one machine. Each
 * platform's image registers it, and wakes its runner, right before the build; people and CI do the same by `connect`.
 *
 * @throws RunError with every wrong argument: the setting, what is wrong, the remedy.
 */
export class RemoteBuilder extends pulumi.ComponentResource {
    /** Name of the multi-node builder. */
    readonly builder: string;
    readonly platforms: readonly Platform[];
    /** What is started with its runners, if anything is. */
    readonly registry: Registry | undefined;
    /** Whether runners are in a compile cluster. */
    readonly hasCompileCluster: boolean;
    /** By name. */
    readonly runners: pulumi.Output<{ [runner: string]: RunnerDescription }>;
    /** Complete sh script that connects a machine to the builder. Holds no secret, and nothing of this machine. */
    readonly connect: pulumi.Output<string>;

    private readonly byName: ReadonlyMap<string, Runner>;
    private readonly placements: ReadonlyMap<Platform, Placement>;
    private readonly buildsPerRunner: number;
    /** Of the runners, each once. */
    private readonly hereScripts: readonly string[];
    /** Keys of the connect script, by the provider that was given it; undefined is the default one. */
    private readonly keptConnect = new Map<pulumi.ProviderResource | undefined, pulumi.Output<string>>();

    constructor(name: string, args: RemoteBuilderArgs, opts?: pulumi.ComponentResourceOptions) {
        refuseArguments(argumentMistakes(builderArguments, args));
        refuseArguments(builderMistakes(name, args));
        super("native-buildx:index:RemoteBuilder", name, {}, opts);
        // As buildx keeps its records.
        this.builder = args.builder.toLowerCase();
        this.registry = args.registry;
        this.platforms = [...new Set(args.runners.map((runner) => runner.platform))];
        this.hasCompileCluster = args.runners.some(({ inCluster }) => inCluster);
        this.byName = new Map(args.runners.map((runner) => [runner.runnerName, runner]));
        this.placements = new Map(this.platforms.map((platform) => [platform, placementOf(platform, args.runners)]));
        this.buildsPerRunner = args.buildsPerRunner ?? defaultBuildsPerRunner;
        this.runners = pulumi.output(
            Object.fromEntries(args.runners.map(({ runnerName, description }) => [runnerName, description])),
        );
        this.hereScripts = [...new Set(args.runners.flatMap(({ hereScript }) => hereScript || []))];
        this.connect = connectOutput({ ...args, builder: this.builder });
        // Without `connect`, which is the longest of all: whoever wants it in the state has it in an output of the stack.
        this.registerOutputs({ builder: this.builder, runners: this.runners });
    }

    /**
     * The runner that builds an image for a platform: the same at every `up`.
     *
     * @throws RunError if there is none
     */
    placeOf(platform: Platform, image: string): Place {
        const runner = this.byName.get(this.placements.get(platform)?.place(image) ?? "");
        if (!runner) {
            throw new pulumi.RunError(
                `Builder ${this.builder} has no runner for platform ${platform}: it has ${this.platforms.join(", ")}.`,
            );
        }
        const resource = runner.resource ?? runner;
        return {
            runner: runner.runnerName,
            builder: this.builderOf(runner.runnerName),
            options: { dependsOn: resource instanceof pulumi.Resource ? [resource] : [] },
        };
    }

    /** The runners that compile for the builds of a runner, if they are awake. */
    helpersOf(runner: string): Helper[] {
        return [...this.byName.values()]
            .filter(({ runnerName, inCluster }) => inCluster && runnerName !== runner)
            .map(({ runnerName }) => ({ runner: runnerName, builder: this.builderOf(runnerName) }));
    }

    private builderOf(runner: string): string {
        return `${this.builder}-${runner}`;
    }

    /**
     * What an image or index needs that belongs to this machine and this moment, and to no state.
     *
     * @param image the component that it is a part of
     * @param logins of several for a registry the first counts
     */
    here(
        image: pulumi.ComponentResource,
        logins: pulumi.Input<RegistryLogin>[] = [],
    ): { [P in keyof Here]: pulumi.Input<Here[P]> } {
        // Each its own output: in a preview the folder is known, and the script may not be.
        const { buildsPerRunner } = this;
        return {
            connect: this.connectKey(image.getProvider(keepScript)),
            project: process.cwd(),
            buildsPerRunner,
            ...(logins.length > 0 ? { logins: pulumi.secret(pulumi.all(logins).apply(onePerRegistry)) } : {}),
        };
    }

    /** Gives a provider the script, once for all its images: the engine reads, logs and hands on whatever each image has. */
    private connectKey(provider: pulumi.ProviderResource | undefined): pulumi.Output<string> {
        const options = provider ? { provider } : {};
        const key =
            this.keptConnect.get(provider) ??
            this.connect.apply(async (script) => {
                const inputs = { script: [...this.hereScripts, script].join("\n") };
                return (await pulumi.runtime.invoke(keepScript, inputs, options)).key as string;
            });
        this.keptConnect.set(provider, key);
        return key;
    }
}

const keepScript = "native-buildx:index:keepScript";

function onePerRegistry(logins: RegistryLogin[]): RegistryLogin[] {
    return logins.filter((login, at) => logins.findIndex(({ address }) => address === login.address) === at);
}

function placementOf(platform: Platform, runners: readonly Runner[]): Placement {
    return new Placement(runners.filter((runner) => runner.platform === platform).map(({ runnerName }) => runnerName));
}

function connectOutput({ builder, runners, registry }: RemoteBuilderArgs): pulumi.Output<string> {
    const files = [...new Set(runners.flatMap(({ wakeScripts }) => wakeScripts))];
    const { kind = "", prepare } = registry ?? {};
    return pulumi.output(Object.fromEntries(runners.map(({ runnerName, node }) => [runnerName, node]))).apply((nodes) =>
        renderConnectScript({
            builder,
            nodes,
            wakeScripts: files.map((file) => readFileSync(file, "utf8")),
            ...(prepare ? { registry: { kind, ...prepare } } : {}),
        }),
    );
}
