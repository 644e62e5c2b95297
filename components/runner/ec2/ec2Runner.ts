import * as path from "node:path";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { architectures, type Platform } from "../../architecture";
import { runnerPolicy, runnerTrustPolicy } from "../../ci/policies";
import type { ConnectNode, Runner, RunnerDescription } from "../runner";
import { CacheVolume } from "./ec2CacheVolume";
import { defaults, type Ec2RunnerSettings, ec2RunnerProblems, rootGiB, standInCacheGiB } from "./ec2RunnerSettings";
import { cacheDeviceOf, runnerUserData } from "./ec2UserData";
import { removesLeftover, removesLeftovers, removesRole } from "./leftovers";
import type { Network } from "./network";

export interface Ec2RunnerArgs extends Ec2RunnerSettings {
    network: Network;
    /** Name that clients know its server by: the address changes, this does not. */
    serverName: string;
    /** Further such names: those of the runners whose platform it emulates (`emulateOn`). @default none */
    emulatedServerNames?: string[];
    /** Path of its SSM parameters, below which it gets `/amd64/keys`. @default /native-buildx/STACK */
    parameterPath?: string;
    /** Tags of everything it makes. @default none */
    tags?: { [name: string]: string };
}

/** What a parameter for keys holds until its runner has published some. */
const noKeysYet = "not started yet";

/**
 * An EC2 instance whose BuildKit builds one platform natively, and its stand-ins.
 *
 * It stops itself when nobody uses it, and `wakeEc2.sh` starts it again. The cache is on a volume of its own, which
 * outlives the instance: a changed bootstrap replaces the instance, and the volume moves over.
 */
export class Ec2Runner extends pulumi.ComponentResource implements Runner {
    readonly platform: Platform;
    readonly description: pulumi.Output<RunnerDescription>;
    readonly node: pulumi.Output<ConnectNode>;
    readonly wakeScript = path.join(__dirname, "wakeEc2.sh");
    /** ARNs of its instances, the stand-ins included: what CI may start. */
    readonly instanceArns: pulumi.Output<string[]>;
    /** ARNs of the parameters in which they publish their clients' keys: what CI may read. */
    readonly keysParameterArns: pulumi.Output<string[]>;
    readonly instanceId: pulumi.Output<string>;
    readonly cacheVolumeId: pulumi.Output<string>;

    private readonly suffix: string;

    /** @throws Error with every wrong argument: the setting, what is wrong, the remedy. */
    constructor(
        private readonly name: string,
        private readonly args: Ec2RunnerArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("native-buildx:index:Ec2Runner", name, {}, opts);
        const problems = ec2RunnerProblems(args);
        if (problems.length > 0) {
            throw new pulumi.RunError(problems.join("\n"));
        }
        const architecture = architectures[args.platform];
        this.platform = args.platform;
        this.suffix = architecture.suffix;
        const instanceType = args.instanceType ?? architecture.ec2.instanceType;
        const region = aws.getRegionOutput({}, { parent: this }).region;

        const standInTypes = args.fallbackInstanceTypes ?? [];
        const keys = this.makeKeysParameter(name);
        const standInKeys = standInTypes.map((type) => this.makeKeysParameter(standInName(name, type), type));
        const role = this.makeRole([keys, ...standInKeys]);
        const volume = new CacheVolume(
            `${name}-cache`,
            {
                zones: this.zonesFor(instanceType),
                gigabytes: args.cacheGigabytes ?? defaults.cacheGigabytes,
                kmsKeyArn: args.kmsKeyArn,
                securityGroupId: args.network.securityGroupId,
                tags: args.tags,
            },
            { parent: this },
        );
        const machine = { region, role, ami: this.newestDebian() };
        const instance = this.makeInstance(name, {
            ...machine,
            keys,
            instanceType,
            subnetId: args.network.subnetIn(volume.zone),
            cacheDevice: volume.volumeId.apply((id) => cacheDeviceOf(id, args)),
            cacheGigabytes: args.cacheGigabytes ?? defaults.cacheGigabytes,
            rootGiB,
        });
        this.attach(volume, instance);
        const standIns = standInTypes.map((type, index) => ({
            type,
            instance: this.makeInstance(standInName(name, type), {
                ...machine,
                keys: standInKeys[index] as aws.ssm.Parameter,
                instanceType: type,
                subnetId: this.standInSubnet(type, volume.zone),
                cacheDevice: pulumi.output(""),
                cacheGigabytes: standInCacheGiB,
                rootGiB: rootGiB + standInCacheGiB,
            }),
        }));

        this.instanceId = instance.id;
        this.cacheVolumeId = volume.volumeId;
        this.instanceArns = pulumi.all([instance.arn, ...standIns.map((standIn) => standIn.instance.arn)]);
        this.keysParameterArns = pulumi.all([keys, ...standInKeys].map((parameter) => parameter.arn));
        this.description = pulumi.output({
            kind: "ec2" as const,
            id: instance.id,
            idleMinutes: args.idleMinutes ?? defaults.idleMinutes,
            instanceType,
            region,
        });
        const standInIds = pulumi.all(standIns.map((standIn) => standIn.instance.id));
        this.node = pulumi.all([instance.id, region, standInIds]).apply(
            ([id, inRegion, ids]): ConnectNode => ({
                kind: "ec2",
                serverName: args.serverName,
                variables: {
                    instance: id,
                    keys_parameter: this.keysParameterName(),
                    instance_type: instanceType,
                    fallbacks: standIns.map(({ type }, index) => `${ids[index]}:${type}`).join(" "),
                    emulate_on: args.emulateOn ? architectures[args.emulateOn].suffix : "",
                    region: inRegion,
                    port: String(args.network.port),
                    address: args.network.usePrivateAddress ? "private" : "public",
                },
            }),
        );
        this.registerOutputs({
            description: this.description,
            instanceArns: this.instanceArns,
            keysParameterArns: this.keysParameterArns,
        });
    }

    /** A stand-in has a parameter of its own: both may serve at the same time, each with its own keys. */
    private keysParameterName(standInType?: string): string {
        const path = this.args.parameterPath ?? `/native-buildx/${pulumi.getStack()}`;
        return `${path}/${this.suffix}/keys${standInType ? `-${standInType}` : ""}`;
    }

    /** Pulumi makes and removes it. What is in it is the runner's, and is never read into the state: it is write-only here. */
    private makeKeysParameter(name: string, standInType?: string): aws.ssm.Parameter {
        return new aws.ssm.Parameter(
            `${name}-keys`,
            {
                name: this.keysParameterName(standInType),
                description: `native-buildx: keys for clients of the ${this.suffix} runner's present start`,
                type: "SecureString",
                valueWo: noKeysYet,
                valueWoVersion: 1,
                ...(this.args.kmsKeyArn ? { keyId: this.args.kmsKeyArn } : {}),
                // What an `up` that was killed has left is taken over.
                overwrite: true,
                tags: this.args.tags,
            },
            {
                parent: this,
                // Any change but that of tags writes a value: the placeholder, over keys that are in use. The runner names
                // the customer key itself when it publishes.
                ignoreChanges: ["description", "keyId", "valueWo", "valueWoVersion"],
            },
        );
    }

    private makeRole(parameters: aws.ssm.Parameter[]): RunnerRole {
        const role = new aws.iam.Role(
            this.name,
            {
                name: this.name,
                description: `native-buildx: the ${this.suffix} runner publishes keys for its clients`,
                assumeRolePolicy: runnerTrustPolicy,
                tags: this.args.tags,
            },
            { parent: this, hooks: { onError: [removesRole(this.name)] } },
        );
        const policy = new aws.iam.RolePolicy(
            this.name,
            {
                // Put twice, it is still one.
                name: "own-parameters",
                role: role.name,
                policy: pulumi
                    .all(parameters.map((parameter) => parameter.arn))
                    .apply((arns) => JSON.stringify(runnerPolicy(arns, this.args.kmsKeyArn))),
            },
            { parent: this },
        );
        const profile = new aws.iam.InstanceProfile(
            this.name,
            { name: this.name, role: role.name, tags: this.args.tags },
            { parent: this, hooks: { onError: [removesProfile(this.name)] } },
        );
        return { profile, neededAtBoot: [policy, ...parameters] };
    }

    /** The network's zones where EC2 offers the type: not every zone has every type. */
    private zonesFor(instanceType: string): pulumi.Output<string[]> {
        const offered = aws.ec2.getInstanceTypeOfferingsOutput(
            { locationType: "availability-zone", filters: [{ name: "instance-type", values: [instanceType] }] },
            { parent: this },
        ).locations;
        return pulumi.all([this.args.network.zones, offered]).apply(([zones, offering]) => {
            const possible = zones.filter((zone) => offering.includes(zone));
            if (possible.length === 0) {
                throw new pulumi.RunError(noZone(instanceType, zones, offering));
            }
            return possible;
        });
    }

    /** Rather in another zone than the runner's: its want of capacity is the zone's. */
    private standInSubnet(instanceType: string, runnerZone: pulumi.Output<string>): pulumi.Output<string> {
        const zone = pulumi
            .all([this.zonesFor(instanceType), runnerZone])
            .apply(([zones, taken]) => zones.find((other) => other !== taken) ?? taken);
        return this.args.network.subnetIn(zone);
    }

    private newestDebian(): pulumi.Output<string> {
        const name = architectures[this.platform].ec2.amiParameter;
        return aws.ssm.getParameterOutput({ name }, { parent: this }).value;
    }

    private makeInstance(name: string, machine: Machine): aws.ec2.Instance {
        const { network, kmsKeyArn, tags } = this.args;
        return new aws.ec2.Instance(
            name,
            {
                ami: machine.ami,
                instanceType: machine.instanceType,
                subnetId: machine.subnetId,
                vpcSecurityGroupIds: [network.securityGroupId],
                associatePublicIpAddress: !network.usePrivateAddress,
                iamInstanceProfile: machine.role.profile.name,
                userDataBase64: this.userData(machine),
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
                tags: { ...tags, Name: name, "native-buildx:platform": this.platform },
            },
            {
                parent: this,
                dependsOn: machine.role.neededAtBoot,
                // The cache volume cannot be attached to two.
                deleteBeforeReplace: true,
                // An address is given at the launch, or never; and the setting itself is ignored, below.
                replacementTrigger: network.usePrivateAddress,
                hooks: { beforeCreate: [endsOtherInstances()] },
                ignoreChanges: [
                    // A new Debian image is taken when the instance is replaced for another reason.
                    "ami",
                    // A stopped instance has no public address, and the provider would replace it for that:
                    // https://github.com/hashicorp/terraform-provider-aws/issues/33775
                    "associatePublicIpAddress",
                ],
            },
        );
    }

    private userData(machine: Machine): pulumi.Output<string> {
        const { args } = this;
        return pulumi
            .all([machine.region, machine.cacheDevice, machine.keys.name])
            .apply(([region, cacheDevice, keys]) =>
                runnerUserData(args, {
                    region,
                    keysParameter: keys,
                    serverNames: [args.serverName, ...(args.emulatedServerNames ?? [])],
                    port: args.network.port,
                    cacheDevice,
                    cacheGigabytes: machine.cacheGigabytes,
                }),
            );
    }

    private attach(volume: CacheVolume, instance: aws.ec2.Instance): void {
        new aws.ec2.VolumeAttachment(
            `${this.name}-cache`,
            {
                // Nitro instances ignore the name; the runner finds the volume by its id.
                deviceName: "/dev/sdf",
                volumeId: volume.volumeId,
                instanceId: instance.id,
                stopInstanceBeforeDetaching: true,
            },
            { parent: this, deleteBeforeReplace: true },
        );
    }
}

/** AWS does not delete one that has a role of another name. */
function removesProfile(name: string): pulumi.ErrorHook {
    return removesLeftover(`Instance profile ${name}`, ["EntityAlreadyExists"], async (runAws) => {
        const words = ["--instance-profile-name", name];
        await runAws("iam", "remove-role-from-instance-profile", ...words, "--role-name", name).catch(() => undefined);
        await runAws("iam", "delete-instance-profile", ...words);
    });
}

interface RunnerRole {
    profile: aws.iam.InstanceProfile;
    /** What a booting runner writes, and its permission to. */
    neededAtBoot: pulumi.Resource[];
}

interface Machine {
    region: pulumi.Output<string>;
    role: RunnerRole;
    keys: aws.ssm.Parameter;
    ami: pulumi.Output<string>;
    instanceType: string;
    subnetId: pulumi.Output<string>;
    cacheDevice: pulumi.Output<string>;
    cacheGigabytes: number;
    rootGiB: number;
}

function standInName(runner: string, type: string): string {
    return `${runner}-${type.replaceAll(".", "-")}`;
}

function noZone(instanceType: string, zones: string[], offered: string[]): string {
    return (
        `instanceType ${instanceType} is not offered in the network's zones (${zones.join(", ")}); EC2 has it in: ` +
        `${offered.join(", ") || "no zone of this region"}. Choose another type, another subnet or another region`
    );
}

/** Nobody else makes instances of this name in this stack's security group. */
const endsOtherInstances = () =>
    removesLeftovers(
        ["ec2", "describe-instances", "--query", "Reservations[].Instances[].InstanceId"],
        ({ vpcSecurityGroupIds }) => [
            `Name=instance.group-id,Values=${vpcSecurityGroupIds}`,
            "Name=instance-state-name,Values=pending,running,stopping,stopped",
        ],
        ["ec2", "terminate-instances", "--instance-ids"],
    );
