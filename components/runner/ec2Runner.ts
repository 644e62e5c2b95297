import * as path from "node:path";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { architectures, type Platform } from "../architecture";
import { removesLeftover, removesLeftovers } from "../leftovers";
import type { Network } from "../network";
import { runnerPolicy, runnerTrustPolicy } from "../policies";
import { CacheVolume } from "./ec2CacheVolume";
import { defaults, type Ec2RunnerSettings, ec2RunnerProblems, rootGiB, standInCacheGiB } from "./ec2RunnerSettings";
import { cacheDeviceOf, runnerUserData } from "./ec2UserData";
import type { ConnectNode, Runner, RunnerDescription } from "./runner";

export interface Ec2RunnerArgs extends Ec2RunnerSettings {
    network: Network;
    /** Name in its server certificate. */
    serverName: string;
    /** Certificate of the authority whose clients it lets in, PEM. */
    ca: pulumi.Input<string>;
    /** Its server certificate and key, PEM. */
    server: { certificate: pulumi.Input<string>; key: pulumi.Input<string> };
    /** Path of its SSM parameters, below which it gets `/amd64/key` and so on. @default /native-buildx/STACK */
    parameterPath?: string;
    /** Tags of everything it makes. @default none */
    tags?: { [name: string]: string };
}

/** SSM's standard parameters hold so much (https://docs.aws.amazon.com/general/latest/gr/ssm.html). */
const parameterLimit = 4096;

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

        const parameters = this.storeCertificate();
        const role = this.makeRole(parameters);
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
            instanceType,
            subnetId: args.network.subnetIn(volume.zone),
            cacheDevice: volume.volumeId.apply((id) => cacheDeviceOf(id, args)),
            cacheGigabytes: args.cacheGigabytes ?? defaults.cacheGigabytes,
            rootGiB,
        });
        this.attach(volume, instance);
        const standIns = (args.fallbackInstanceTypes ?? []).map((type) => ({
            type,
            instance: this.makeInstance(`${name}-${type.replaceAll(".", "-")}`, {
                ...machine,
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
                    instance_type: instanceType,
                    fallbacks: standIns.map(({ type }, index) => `${ids[index]}:${type}`).join(" "),
                    emulate_on: args.emulateOn ? architectures[args.emulateOn].suffix : "",
                    region: inRegion,
                    port: String(args.network.port),
                    address: args.network.usePrivateAddress ? "private" : "public",
                },
            }),
        );
        this.registerOutputs({ description: this.description, instanceArns: this.instanceArns });
    }

    private get parameterPath(): string {
        return `${this.args.parameterPath ?? `/native-buildx/${pulumi.getStack()}`}/${this.suffix}`;
    }

    /** Fetched by the runner at every start, so that renewing a certificate replaces no instance. */
    private storeCertificate(): aws.ssm.Parameter[] {
        const store = (key: string, type: "SecureString" | "String", value: pulumi.Input<string>) =>
            new aws.ssm.Parameter(
                `${this.name}-${key}`,
                {
                    name: `${this.parameterPath}/${key}`,
                    description: `native-buildx: ${key} of the ${this.suffix} runner`,
                    type,
                    value: pulumi.output(value).apply((text) => withinLimit(`${this.parameterPath}/${key}`, text)),
                    ...(type === "SecureString" && this.args.kmsKeyArn ? { keyId: this.args.kmsKeyArn } : {}),
                    // A killed `up` may have made it.
                    overwrite: true,
                    tags: this.args.tags,
                },
                { parent: this },
            );
        return [
            store("ca", "String", this.args.ca),
            store("certificate", "SecureString", this.args.server.certificate),
            store("key", "SecureString", pulumi.secret(this.args.server.key)),
        ];
    }

    private makeRole(parameters: aws.ssm.Parameter[]): RunnerRole {
        const role = new aws.iam.Role(
            this.name,
            {
                name: this.name,
                description: `native-buildx: the ${this.suffix} runner reads its own parameters`,
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
                userData: this.userData(machine),
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
        const { args, parameterPath } = this;
        return pulumi.all([machine.region, machine.cacheDevice]).apply(([region, cacheDevice]) =>
            runnerUserData(args, {
                region,
                parameterPath,
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

/** AWS does not delete one that has policies or an instance profile. */
function removesRole(name: string): pulumi.ErrorHook {
    return removesLeftover(`Role ${name}`, ["EntityAlreadyExists"], async (runAws) => {
        await runAws("iam", "delete-role", "--role-name", name);
    });
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
    /** What a booting runner reads, and its permission to. */
    neededAtBoot: pulumi.Resource[];
}

interface Machine {
    region: pulumi.Output<string>;
    role: RunnerRole;
    ami: pulumi.Output<string>;
    instanceType: string;
    subnetId: pulumi.Output<string>;
    cacheDevice: pulumi.Output<string>;
    cacheGigabytes: number;
    rootGiB: number;
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

function withinLimit(parameter: string, text: string): string {
    const size = Buffer.byteLength(text);
    if (size > parameterLimit) {
        throw new pulumi.RunError(
            `${parameter} has ${size} bytes and an SSM parameter holds ${parameterLimit}: use elliptic-curve certificates, without a chain`,
        );
    }
    return text;
}
