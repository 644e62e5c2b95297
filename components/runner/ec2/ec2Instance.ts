import * as ec2 from "@pulumi/aws/ec2";
import * as ssm from "@pulumi/aws/ssm";
import * as pulumi from "@pulumi/pulumi";
import { removesLeftovers } from "../../account/leftovers";
import { machineOf } from "../../architecture";
import { runnerInfo, serverNameOf } from "../runnerNames";
import { namesRemedy } from "./capacity";
import type { RecipeParameters } from "./ec2Recipe";
import type { RunnerRole } from "./ec2Role";
import type { Ec2RunnerArgs } from "./ec2Runner";
import { runnerUserData } from "./ec2UserData";

/** The platforms that a runner emulates with native compilers. */
export interface Emulation {
    /** Their machines, as QEMU names them. */
    machines: readonly string[];
    /** What makes the compilers. */
    recipe: RecipeParameters;
}

/** What differs between a runner's own machine and its stand-ins. */
export interface Machine {
    region: pulumi.Output<string>;
    role: RunnerRole;
    keys: ssm.Parameter;
    /** @default it emulates no other platform */
    emulation?: Emulation;
    ami: pulumi.Output<string>;
    instanceType: string;
    /** The runner's own instance, where it is a stand-in. @default it is the runner's own */
    standsInFor?: ec2.Instance;
    subnetId: pulumi.Output<string>;
    /** Path of the cache volume's device; empty where the cache is on the root volume. */
    cacheDevice: pulumi.Output<string>;
    cacheGigabytes: number;
    rootGiB: number;
    /** Minutes after the last build until it stops; 0: never. */
    idleMinutes: number;
}

/** One machine of a runner. */
export function makeInstance(
    name: string,
    machine: Machine,
    runner: Ec2RunnerArgs,
    parent: pulumi.Resource,
): ec2.Instance {
    const args = instanceArgs(name, machine, runner);
    const { instanceType: type, standsInFor } = machine;
    const remedy = namesRemedy(name, { type, platform: runner.platform, isStandIn: standsInFor !== undefined });
    return new ec2.Instance(name, runner.transform?.instance?.(args, runnerInfo(runner)) ?? args, {
        parent,
        // A stand-in is replaced after its runner's own instance: it stays where EC2 has no capacity for that.
        dependsOn: [...machine.role.neededAtBoot, ...(standsInFor ? [standsInFor] : [])],
        // The cache volume can be attached to one instance only.
        deleteBeforeReplace: true,
        // An address is given at the launch, or never; and the setting itself is ignored, below.
        replacementTrigger: runner.network.usePrivateAddress,
        hooks: { beforeCreate: [endsOtherInstances()], onError: [remedy] },
        ignoreChanges: [
            // A new Debian image is taken when the instance is replaced for another reason.
            "ami",
            // A stopped instance has no public address, and the provider would replace it for that:
            // https://github.com/hashicorp/terraform-provider-aws/issues/33775
            "associatePublicIpAddress",
        ],
    });
}

function instanceArgs(name: string, machine: Machine, runner: Ec2RunnerArgs): ec2.InstanceArgs {
    const { network, kmsKeyArn, tags } = runner;
    return {
        ami: machine.ami,
        instanceType: machine.instanceType,
        subnetId: machine.subnetId,
        vpcSecurityGroupIds: network.securityGroupIds,
        associatePublicIpAddress: !network.usePrivateAddress,
        iamInstanceProfile: machine.role.profile.name,
        userDataBase64: userDataOf(machine, runner),
        userDataReplaceOnChange: true,
        instanceInitiatedShutdownBehavior: "stop",
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        rootBlockDevice: {
            volumeType: "gp3",
            volumeSize: machine.rootGiB,
            encrypted: true,
            kmsKeyId: kmsKeyArn,
            deleteOnTermination: true,
            tags: { ...tags, Name: name },
        },
        tags: { ...tags, Name: name, "native-buildx:platform": runner.platform },
    };
}

function userDataOf(machine: Machine, runner: Ec2RunnerArgs): pulumi.Output<string> {
    const { emulation } = machine;
    const { cluster } = runner;
    return pulumi
        .all([
            machine.region,
            machine.cacheDevice,
            machine.keys.name,
            runner.network.callersGroup?.id ?? "",
            namesOf(emulation?.recipe),
            namesOf(cluster?.recipe),
        ])
        .apply(([region, cacheDevice, keysParameter, callersGroup, compilerNames, nodeNames]) =>
            runnerUserData(runner, {
                region,
                keysParameter,
                serverNames: [runner, ...(runner.emulates ?? [])].map((named) => serverNameOf(named.runner)),
                emulation: emulation && {
                    machines: emulation.machines,
                    recipeParameters: compilerNames,
                    recipeSha256: emulation.recipe.sha256,
                },
                cluster: cluster && {
                    name: cluster.name,
                    originals: [machineOf(runner.platform), ...(emulation?.machines ?? [])],
                    helpers: cluster.helpers,
                    membersParameter: cluster.membersParameter,
                    recipeParameters: nodeNames,
                    recipeSha256: cluster.recipe.sha256,
                },
                port: runner.network.port,
                callersGroup,
                openForCallerMinutes: runner.network.openForCallerMinutes,
                cacheDevice,
                cacheGigabytes: machine.cacheGigabytes,
                idleMinutes: machine.idleMinutes,
            }),
        );
}

function namesOf(recipe?: RecipeParameters): pulumi.Output<string[]> {
    return pulumi.all((recipe?.parameters ?? []).map((parameter) => parameter.name));
}

/** Nobody else makes instances of this name in this stack's security group. */
const endsOtherInstances = () =>
    removesLeftovers(
        ["ec2", "describe-instances", "--query", "Reservations[].Instances[].InstanceId"],
        ({ vpcSecurityGroupIds }) => [
            ["instance.group-id", vpcSecurityGroupIds as string[]],
            ["instance-state-name", ["pending", "running", "stopping", "stopped"]],
        ],
        ["ec2", "terminate-instances", "--instance-ids"],
    );
