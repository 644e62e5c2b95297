import * as pulumi from "@pulumi/pulumi";
import { parameterPathOf } from "../../account/accountNames";
import { afterNameClaim } from "../../account/nameClaim";
import { stackTags } from "../../account/stackTags";
import { machinePlatforms } from "../../architecture";
import type { PolicyStatement } from "../../ci/policyStatement";
import { refuseArguments } from "../../settings/mistakes";
import { checkedValues, type ValuesOf } from "../../settings/values";
import type { Runner } from "../runner";
import { type NamedRunner, namedRunners, type RunnerInfo, runnerName } from "../runnerNames";
import type { Runners } from "../runners";
import { platformMistakes, type RunnerValues, runnerSettings } from "../settings";
import { makeMembers, makeNodeRecipe } from "./ec2Cluster";
import { Ec2Runner } from "./ec2Runner";
import type { Ec2RunnerSettings } from "./ec2RunnerSettings";
import { emulatedRunner } from "./emulatedRunner";
import { ec2Mistakes } from "./mistakes";
import { Network, type NetworkArgs } from "./network";
import { clientStatements } from "./policies";
import { ec2RunnerSettings } from "./settings";
import type { Ec2Transforms } from "./transforms";

const settings = { ...runnerSettings, ...ec2RunnerSettings };

/** The values of all settings of EC2 runners. */
export type Ec2RunnersValues = RunnerValues & ValuesOf<typeof ec2RunnerSettings>;

/** The settings of EC2 runners, all with the defaults of the configuration, and what they need besides. */
export interface Ec2RunnersArgs extends Partial<Ec2RunnersValues> {
    /** Path of their SSM parameters, below which each has `/RUNNER/keys`. @default /native-buildx/PROJECT/STACK/NAME */
    parameterPath?: string;
    /** Tags of everything that they have, besides `native-buildx`: PROJECT-STACK, which says whose it is. @default none */
    tags?: { [name: string]: string };
    /** Changes arguments of its AWS resources right before they are made, for what has no setting. @default none */
    transform?: Ec2Transforms;
}

/** EC2 instances, one or more for each platform that EC2 has machines of, and the network that they are in. */
export class Ec2Runners extends pulumi.ComponentResource implements Runners {
    readonly runners: readonly Runner[];
    readonly access: pulumi.Output<PolicyStatement[]>;

    /** @throws RunError with every wrong argument: the setting, what is wrong, the remedy. */
    constructor(name: string, args: Ec2RunnersArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:Ec2Runners", name, {}, afterNameClaim(opts));
        const values = checkedValues(settings, args) as Ec2RunnersValues;
        refuseArguments(platformMistakes(values.platforms));
        refuseArguments(ec2Mistakes(values));
        const { parameterPath = parameterPathOf(name), transform = {} } = args;
        const tags = stackTags(args.tags);
        const network = new Network(
            `${name}-network`,
            { ...networkArgs(values), tags, transform: transform.securityGroup },
            { parent: this },
        );
        const named = namedRunners(values.platforms, values.runnersPerPlatform);
        const native = values.platforms.filter((platform) => machinePlatforms.includes(platform));
        const cluster = values.compileCluster
            ? makeNodeRecipe(name, { path: parameterPath, platforms: native, tags }, this)
            : undefined;
        const machines = new Map(
            named
                .filter(({ platform }) => machinePlatforms.includes(platform))
                .map((one) => [
                    one.runner,
                    new Ec2Runner(
                        `${name}-${one.runner}`,
                        { ...runnerArgs(values, one), network, cluster, parameterPath, tags, transform },
                        { parent: this },
                    ),
                ]),
        );
        this.runners = named.map(
            (one) =>
                machines.get(one.runner) ??
                emulatedRunner(one, machines.get(emulatorOf(one, values.emulateOn) as string) as Ec2Runner),
        );
        const own = [...machines.values()];
        if (cluster) {
            makeMembers(name, { cluster, runners: own, tags }, this);
        }
        this.access = pulumi
            .all([
                pulumi.all(own.map((runner) => runner.instanceArns)),
                pulumi.all(own.map((runner) => runner.keysParameterArns)),
                network.callersGroup?.arn,
            ])
            .apply(([instances, parameters, callersGroupArn]) =>
                clientStatements(instances.flat(), parameters.flat(), values.kmsKeyArn || undefined, callersGroupArn),
            );
        this.registerOutputs({});
    }
}

/** The settings of the network. An empty text means that the setting is not set. */
export function networkArgs(values: Ec2RunnersValues): NetworkArgs {
    const { vpc, allowedCidrs, openForCallerMinutes, buildkitPort, usePrivateAddress, compileCluster } = values;
    return {
        vpc: vpc === "default" || vpc === "new" ? vpc : { subnetId: vpc },
        allowedCidrs,
        openForCallerMinutes,
        port: buildkitPort,
        usePrivateAddress,
        compileCluster,
    };
}

/** The settings of one runner. */
export function runnerArgs(
    values: Ec2RunnersValues,
    { runner, platform }: RunnerInfo,
): Ec2RunnerSettings & { runner: string; emulates: RunnerInfo[] } {
    const { buildkitSha256: sha256 } = values;
    return {
        runner,
        platform,
        instanceType: values.instanceTypes[platform],
        fallbackInstanceTypes: values.fallbackInstanceTypes[platform],
        emulateOn: values.emulateOn[platform],
        emulates: emulatedOn(runner, values),
        nativeCompilers: values.nativeCompilers,
        idleMinutes: values.idleMinutes,
        cacheGigabytes: values.cacheGigabytes,
        cacheIops: values.cacheIops,
        cacheThroughput: values.cacheThroughput,
        maxParallelism: values.maxParallelism,
        stepMemoryMegabytes: values.stepMemoryMegabytes,
        historyDays: values.historyDays,
        historyBuilds: values.historyBuilds,
        buildkit: {
            ...(values.buildkitUrl ? { url: values.buildkitUrl } : {}),
            ...(values.buildkitVersion ? { version: values.buildkitVersion } : {}),
            ...(Object.keys(sha256).length > 0 ? { sha256 } : {}),
        },
        registryMirrors: values.registryMirrors,
        kmsKeyArn: values.kmsKeyArn || undefined,
        ssmEndpoint: values.ssmEndpoint || undefined,
        callerAddressUrl: values.callerAddressUrl,
        prices: values.ec2Prices,
    };
}

/** The runners that a runner emulates, always or when it has to. */
function emulatedOn(runner: string, { platforms, runnersPerPlatform, emulateOn }: Ec2RunnersValues): NamedRunner[] {
    return namedRunners(platforms, runnersPerPlatform).filter((other) => emulatorOf(other, emulateOn) === runner);
}

/**
 * Name of the runner that emulates another: the first of its platform where that is for want of capacity, else one in the
 * same place among the platform's runners. None where nobody does.
 */
function emulatorOf({ platform, at }: NamedRunner, emulateOn: Ec2RunnersValues["emulateOn"]): string | undefined {
    const on = emulateOn[platform];
    return on && runnerName(on, machinePlatforms.includes(platform) ? 0 : at);
}
