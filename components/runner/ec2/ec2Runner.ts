import * as path from "node:path";
import * as ebs from "@pulumi/aws/ebs";
import * as ec2 from "@pulumi/aws/ec2";
import { getRegionOutput } from "@pulumi/aws/getRegion";
import * as ssm from "@pulumi/aws/ssm";
import * as pulumi from "@pulumi/pulumi";
import { parameterPathOf } from "../../account/accountNames";
import { inConfiguredProfile } from "../../account/awsAccount";
import { ec2MachinesOf, type Platform } from "../../architecture";
import { refuseArguments } from "../../settings/mistakes";
import { emulatedMachines, toolchainRecipe } from "../emulation/recipe";
import type { ConnectNode, Runner, RunnerDescription } from "../runner";
import { type RunnerInfo, runnerInfo, runnerName, serverNameOf } from "../runnerNames";
import { CacheVolume } from "./ec2CacheVolume";
import type { ClusterMachine, NodeRecipe } from "./ec2Cluster";
import { type Emulation, type Machine, makeInstance } from "./ec2Instance";
import { makeKeysParameter } from "./ec2Keys";
import { makeRecipe, renderRecipe } from "./ec2Recipe";
import { makeRole, type RunnerRole } from "./ec2Role";
import {
    cacheVolumeOf,
    defaults,
    type Ec2RunnerSettings,
    ec2RunnerProblems,
    rootGiB,
    standInCacheGiB,
    standInIdleMinutes,
} from "./ec2RunnerSettings";
import { cacheDeviceOf } from "./ec2UserData";
import { standInSubnet, zonesFor } from "./ec2Zones";
import type { Network } from "./network";
import { priceOf } from "./prices";
import { runnerPaths } from "./runnerPaths";
import type { RunnerTransforms } from "./transforms";

export interface Ec2RunnerArgs extends Ec2RunnerSettings {
    network: Network;
    /** See `runnerNames`. */
    runner: string;
    /** The runners whose platform it emulates (`emulateOn`): its certificate has their names too. @default none */
    emulates?: RunnerInfo[];
    /** Path of its SSM parameters, below which it gets `/RUNNER/keys`. @default /native-buildx/STACK */
    parameterPath?: string;
    /** What makes its machines nodes of a compile cluster. @default they are in none */
    cluster?: NodeRecipe;
    /** Tags of everything it makes. @default none */
    tags?: { [name: string]: string };
    /** Changes arguments of its instances and its volume. @default none */
    transform?: RunnerTransforms;
}

/** A stopped machine of another type, for when EC2 has none of its own. */
interface StandIn {
    type: string;
    instance: ec2.Instance;
}

const kind = "ec2";

/**
 * An EC2 instance whose BuildKit builds one platform natively, and its stand-ins.
 *
 * It stops itself when nobody uses it, and `wakeEc2.sh` starts it again. The cache is on a volume of its own, which
 * outlives the instance: a changed bootstrap replaces the instance, and the volume moves over.
 */
export class Ec2Runner extends pulumi.ComponentResource implements Runner {
    readonly runnerName: string;
    readonly platform: Platform;
    readonly description: pulumi.Output<RunnerDescription>;
    readonly node: pulumi.Output<ConnectNode>;
    readonly wakeScripts = ["wakeEc2.sh", "keysEc2.sh", "openPort.sh"].map((file) => path.join(__dirname, file));
    readonly hereScript = inConfiguredProfile();
    /** ARNs of its instances, the stand-ins included: what CI may start. */
    readonly instanceArns: pulumi.Output<string[]>;
    /** ARNs of the parameters in which they publish their clients' keys: what CI may read. */
    readonly keysParameterArns: pulumi.Output<string[]>;
    readonly instanceId: pulumi.Output<string>;
    readonly cacheVolumeId: pulumi.Output<string>;
    readonly inCluster: boolean;
    /** Its machines, the stand-ins after its own. */
    readonly machines: readonly ClusterMachine[];
    /** Of its machines. */
    readonly role: RunnerRole;
    private readonly instanceType: string;
    private readonly region: pulumi.Output<string>;

    /** @throws Error with every wrong argument: the setting, what is wrong, the remedy. */
    constructor(
        private readonly name: string,
        private readonly args: Ec2RunnerArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("native-buildx:index:Ec2Runner", name, {}, opts);
        refuseArguments(ec2RunnerProblems(args));
        this.runnerName = args.runner;
        this.platform = args.platform;
        this.inCluster = args.cluster !== undefined;
        this.instanceType = args.instanceType ?? ec2MachinesOf(args.platform).instanceType;
        this.region = getRegionOutput({}, { parent: this }).region;

        const standInTypes = args.fallbackInstanceTypes ?? [];
        const keys = this.makeKeysParameter(name);
        const standInKeys = standInTypes.map((type) => this.makeKeysParameter(standInName(name, type), type));
        const emulation = this.makeEmulation(name);
        this.role = this.makeRole([keys, ...standInKeys], emulation);
        const volume = this.makeVolume();
        const shared = { region: this.region, role: this.role, emulation, ami: this.newestDebian() };
        const instance = this.makeMachine(name, {
            ...shared,
            keys,
            instanceType: this.instanceType,
            subnetId: args.network.subnetIn(volume.zone),
            cacheDevice: volume.volumeId.apply((id) => cacheDeviceOf(id, args)),
            cacheGigabytes: cacheVolumeOf(args).cacheGigabytes,
            rootGiB,
            idleMinutes: args.idleMinutes ?? defaults.idleMinutes,
        });
        this.attach(volume, instance);
        const standIns = standInTypes.map((type, index) => ({
            type,
            instance: this.makeMachine(standInName(name, type), {
                ...shared,
                keys: standInKeys[index] as ssm.Parameter,
                instanceType: type,
                standsInFor: instance,
                subnetId: standInSubnet(type, volume.zone, args.network, this),
                cacheDevice: pulumi.output(""),
                cacheGigabytes: standInCacheGiB,
                rootGiB: rootGiB + standInCacheGiB,
                idleMinutes: standInIdleMinutes(args),
            }),
        }));

        this.instanceId = instance.id;
        this.cacheVolumeId = volume.volumeId;
        this.machines = clusterMachines(this.runnerName, instance, standIns);
        this.instanceArns = pulumi.all([instance.arn, ...standIns.map((standIn) => standIn.instance.arn)]);
        this.keysParameterArns = pulumi.all([keys, ...standInKeys].map((parameter) => parameter.arn));
        this.description = this.describe(instance.id);
        this.node = this.makeNode(instance.id, standIns);
        this.registerOutputs({
            description: this.description,
            instanceArns: this.instanceArns,
            keysParameterArns: this.keysParameterArns,
        });
    }

    private describe(id: pulumi.Output<string>): pulumi.Output<RunnerDescription> {
        const { args, region, instanceType } = this;
        return pulumi.output({
            kind,
            platform: args.platform,
            id,
            idleMinutes: args.idleMinutes ?? defaults.idleMinutes,
            instanceType,
            region,
            price: region.apply((known) => priceOf(args, known, args.network.usePrivateAddress)),
        });
    }

    private makeNode(id: pulumi.Output<string>, standIns: readonly StandIn[]): pulumi.Output<ConnectNode> {
        const { args, instanceType: instance_type } = this;
        const { network } = args;
        const fallbacks = pulumi.all(standIns.map(({ type, instance }) => pulumi.interpolate`${instance.id}:${type}`));
        return pulumi.all([id, this.region, fallbacks, network.callersGroup?.id ?? ""]).apply(
            ([instance, region, standInIds, callers_group]): ConnectNode => ({
                kind,
                platform: args.platform,
                serverName: serverNameOf(args.runner),
                variables: {
                    instance,
                    keys_parameter: this.keysParameterName(),
                    instance_type,
                    fallbacks: standInIds.join(" "),
                    emulate_on: args.emulateOn ? runnerName(args.emulateOn) : "",
                    region,
                    port: String(network.port),
                    address: network.usePrivateAddress ? "private" : "public",
                    callers_group,
                    open_seconds: String(Math.round(network.openForCallerMinutes * 60)),
                    address_url: args.callerAddressUrl ?? defaults.callerAddressUrl,
                },
            }),
        );
    }

    private makeRole(parameters: ssm.Parameter[], emulation?: Emulation): RunnerRole {
        const { network, kmsKeyArn, tags } = this.args;
        const role = {
            description: `native-buildx: runner ${this.runnerName} publishes keys for its clients`,
            parameters,
            readable: emulation?.recipe.parameters,
            callersGroup: network.callersGroup,
            kmsKeyArn,
            tags,
        };
        return makeRole(this.name, role, this);
    }

    private makeVolume(): CacheVolume {
        const { network, kmsKeyArn, tags, transform } = this.args;
        const volume = {
            zones: zonesFor(this.instanceType, network, this),
            volume: cacheVolumeOf(this.args),
            kmsKeyArn,
            securityGroupId: network.securityGroupId,
            tags,
            transform: (given: ebs.VolumeArgs) => transform?.volume?.(given, runnerInfo(this.args)) ?? given,
        };
        return new CacheVolume(`${this.name}-cache`, volume, { parent: this });
    }

    private get parameterPath(): string {
        return `${this.args.parameterPath ?? parameterPathOf(this.name)}/${this.runnerName}`;
    }

    /** A stand-in has a parameter of its own: both may serve at the same time, each with its own keys. */
    private keysParameterName(standInType?: string): string {
        return `${this.parameterPath}/keys${standInType ? `-${standInType}` : ""}`;
    }

    private makeEmulation(name: string): Emulation | undefined {
        const { emulates = [], nativeCompilers, runner, tags } = this.args;
        const platforms = [...new Set(emulates.map(({ platform }) => platform))];
        const machines = emulatedMachines(platforms, nativeCompilers);
        if (machines.length === 0) {
            return undefined;
        }
        const recipe = {
            path: `${this.parameterPath}/native-compilers`,
            description: `what makes native compilers on the ${runner} runner`,
            script: renderRecipe(runnerPaths.toolchainRecipe, toolchainRecipe(machines)),
            tags,
        };
        return { machines, recipe: makeRecipe(`${name}-native-compilers`, recipe, this) };
    }

    private makeKeysParameter(name: string, standInType?: string): ssm.Parameter {
        const { kmsKeyArn, tags } = this.args;
        const path = this.keysParameterName(standInType);
        return makeKeysParameter(name, { path, runner: this.runnerName, kmsKeyArn, tags }, this);
    }

    private makeMachine(name: string, machine: Machine): ec2.Instance {
        return makeInstance(name, machine, this.args, this);
    }

    private newestDebian(): pulumi.Output<string> {
        const name = ec2MachinesOf(this.platform).amiParameter;
        return ssm.getParameterOutput({ name }, { parent: this }).value;
    }

    private attach(volume: CacheVolume, instance: ec2.Instance): void {
        new ec2.VolumeAttachment(
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

function standInName(runner: string, type: string): string {
    return `${runner}-${type.replaceAll(".", "-")}`;
}

function clusterMachines(runner: string, instance: ec2.Instance, standIns: readonly StandIn[]): ClusterMachine[] {
    return [
        { name: runner, address: instance.privateIp },
        ...standIns.map(({ type, instance: { privateIp } }) => ({
            name: standInName(runner, type),
            address: privateIp,
        })),
    ];
}
