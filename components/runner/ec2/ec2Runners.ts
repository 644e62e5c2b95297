import * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../../architecture";
import type { PolicyStatement } from "../../ci/policies";
import { refuseArguments } from "../../settings/mistakes";
import { checkedValues, type ValuesOf } from "../../settings/values";
import { type NamedRunner, namedRunners, runnerName } from "../runnerNames";
import type { Runners } from "../runners";
import { type RunnerValues, runnerSettings } from "../settings";
import { Ec2Runner } from "./ec2Runner";
import type { Ec2RunnerSettings } from "./ec2RunnerSettings";
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
    /** Path of their SSM parameters, below which each has `/RUNNER/keys`. @default /native-buildx/STACK */
    parameterPath?: string;
    /** Tags of everything that they have. @default none */
    tags?: { [name: string]: string };
    /** Changes arguments of its AWS resources right before they are made, for what has no setting. @default none */
    transform?: Ec2Transforms;
}

/** EC2 instances, one or more for each platform, and the network that they are in. */
export class Ec2Runners extends pulumi.ComponentResource implements Runners {
    readonly runners: readonly Ec2Runner[];
    readonly access: pulumi.Output<PolicyStatement[]>;

    /** @throws RunError with every wrong argument: the setting, what is wrong, the remedy. */
    constructor(name: string, args: Ec2RunnersArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:Ec2Runners", name, {}, opts);
        const values = checkedValues(settings, args) as Ec2RunnersValues;
        refuseArguments(ec2Mistakes(values));
        const { parameterPath, tags, transform = {} } = args;
        const network = new Network(
            `${name}-network`,
            { ...networkArgs(values), tags, transform: transform.securityGroup },
            { parent: this },
        );
        this.runners = namedRunners(values.platforms, values.runnersPerPlatform).map(
            (named) =>
                new Ec2Runner(
                    // Roles are called after the components: docs/aws-permissions.json allows those that begin with native-buildx.
                    `${name}-${named.runner}`,
                    { ...runnerArgs(values, named), network, parameterPath, tags, transform },
                    { parent: this },
                ),
        );
        this.access = pulumi
            .all([
                pulumi.all(this.runners.map((runner) => runner.instanceArns)),
                pulumi.all(this.runners.map((runner) => runner.keysParameterArns)),
                network.callersGroup?.arn,
            ])
            .apply(([instances, parameters, callersGroupArn]) =>
                clientStatements(instances.flat(), parameters.flat(), values.kmsKeyArn || undefined, callersGroupArn),
            );
        this.registerOutputs({});
    }
}

/** The settings that the network has. An empty text is a setting that was not set. */
export function networkArgs(values: Ec2RunnersValues): NetworkArgs {
    const { vpc, allowedCidrs, openForCallerMinutes, buildkitPort, usePrivateAddress } = values;
    return {
        vpc: vpc === "default" || vpc === "new" ? vpc : { subnetId: vpc },
        allowedCidrs,
        openForCallerMinutes,
        port: buildkitPort,
        usePrivateAddress,
    };
}

/** The settings that one runner has. */
export function runnerArgs(
    values: Ec2RunnersValues,
    { runner, platform }: NamedRunner,
): Ec2RunnerSettings & { runner: string; emulates: string[]; emulatedPlatforms: Platform[] } {
    const { buildkitSha256: sha256 } = values;
    const emulatedPlatforms = runner === runnerName(platform) ? emulatedOn(platform, values) : [];
    return {
        runner,
        platform,
        instanceType: values.instanceTypes[platform],
        fallbackInstanceTypes: values.fallbackInstanceTypes[platform],
        emulateOn: values.emulateOn[platform],
        emulates: namedRunners(emulatedPlatforms, values.runnersPerPlatform).map((named) => named.runner),
        emulatedPlatforms,
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

/** The platforms that this platform's first runner emulates when it has to. */
function emulatedOn(platform: Platform, { platforms, emulateOn }: Ec2RunnersValues): Platform[] {
    return platforms.filter((other) => emulateOn[other] === platform);
}
