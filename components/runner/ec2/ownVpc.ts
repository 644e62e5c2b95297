import * as ec2 from "@pulumi/aws/ec2";
import { getAvailabilityZonesOutput } from "@pulumi/aws/getAvailabilityZones";
import * as pulumi from "@pulumi/pulumi";
import { filterWords, removesLeftover, removesLeftovers } from "../../account/leftovers";

export interface OwnVpcArgs {
    /** Tags of everything it makes. @default none */
    tags?: { [name: string]: string };
}

/** Two, so that a stand-in can be in another zone when the first lacks capacity. */
const zoneCount = 2;

/**
 * A VPC with a public subnet in each of two zones. It costs nothing while nothing runs.
 *
 * Its routes are in the main route table, which every VPC has, so that a killed `up` leaves no route table.
 */
export class OwnVpc extends pulumi.ComponentResource {
    readonly vpcId: pulumi.Output<string>;
    /** Known in a preview of the first `up` too. */
    readonly zones: pulumi.Output<string[]>;
    /** By zone, in the order of `zones`. */
    readonly subnetIds: pulumi.Output<string[]>;

    constructor(
        private readonly name: string,
        private readonly args: OwnVpcArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("native-buildx:index:OwnVpc", name, {}, opts);
        const parent = { parent: this };
        const tags = { ...args.tags, Name: name };
        const vpc = new ec2.Vpc(
            name,
            { cidrBlock: "10.46.0.0/16", enableDnsHostnames: true, tags },
            { ...parent, hooks: { beforeCreate: [removesEmptyVpcs()] } },
        );
        const gateway = new ec2.InternetGateway(
            name,
            { tags },
            { ...parent, hooks: { beforeCreate: [removesUnusedGateways()] } },
        );
        const attachment = new ec2.InternetGatewayAttachment(
            name,
            { vpcId: vpc.id, internetGatewayId: gateway.id },
            { ...parent, hooks: { onError: [detachesOther(name)] } },
        );
        new ec2.DefaultRouteTable(
            name,
            {
                defaultRouteTableId: vpc.defaultRouteTableId,
                routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: gateway.id }],
                tags,
            },
            { ...parent, dependsOn: attachment },
        );
        this.vpcId = vpc.id;
        this.zones = getAvailabilityZonesOutput(
            // Without the local zones that the account has opted into: they have few instance types.
            { state: "available", filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }] },
            parent,
        ).names.apply((names) => [...names].sort().slice(0, zoneCount));
        this.subnetIds = pulumi.all(Array.from({ length: zoneCount }, (_, index) => this.makeSubnet(index).id));
        this.registerOutputs({ vpcId: this.vpcId, subnetIds: this.subnetIds });
    }

    private makeSubnet(index: number): ec2.Subnet {
        const name = `${this.name}-${index + 1}`;
        return new ec2.Subnet(
            name,
            {
                vpcId: this.vpcId,
                availabilityZone: this.zones.apply((zones) => zones[index] ?? ""),
                cidrBlock: `10.46.${index * 16}.0/20`,
                mapPublicIpOnLaunch: true,
                tags: { ...this.args.tags, Name: name },
            },
            // A subnet in another zone takes over the addresses.
            { parent: this, deleteBeforeReplace: true, hooks: { onError: [removesSubnet(name)] } },
        );
    }
}

/** AWS does not delete a VPC that has anything in it. */
const removesEmptyVpcs = () =>
    removesLeftovers(["ec2", "describe-vpcs", "--query", "Vpcs[].VpcId"], () => [], ["ec2", "delete-vpc", "--vpc-id"]);

/** AWS does not delete a gateway that is attached. */
const removesUnusedGateways = () =>
    removesLeftovers(
        ["ec2", "describe-internet-gateways", "--query", "InternetGateways[?Attachments==`[]`].InternetGatewayId"],
        () => [],
        ["ec2", "delete-internet-gateway", "--internet-gateway-id"],
    );

/** A subnet of the same addresses, in this VPC. */
function removesSubnet(name: string): pulumi.ErrorHook {
    return removesLeftover(`Subnet ${name}`, ["InvalidSubnet.Conflict"], async (runAws, { vpcId, cidrBlock }) => {
        const filters = filterWords([
            ["vpc-id", String(vpcId)],
            ["cidr-block", String(cidrBlock)],
        ]);
        const query = ["--query", "Subnets[].SubnetId"];
        const id = await runAws("ec2", "describe-subnets", ...filters, ...query);
        await runAws("ec2", "delete-subnet", "--subnet-id", id);
    });
}

/** The attachment of this VPC, which can have one. */
function detachesOther(name: string): pulumi.ErrorHook {
    return removesLeftover(
        `Internet gateway of VPC ${name}`,
        ["Resource.AlreadyAssociated"],
        async (runAws, { vpcId }) => {
            const filter = filterWords([["attachment.vpc-id", String(vpcId)]]);
            const query = ["--query", "InternetGateways[].InternetGatewayId"];
            const id = await runAws("ec2", "describe-internet-gateways", ...filter, ...query);
            await runAws("ec2", "detach-internet-gateway", "--internet-gateway-id", id, "--vpc-id", String(vpcId));
        },
    );
}
