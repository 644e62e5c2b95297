import {
    CreateSubnetCommand,
    CreateVpcCommand,
    DeleteSubnetCommand,
    DeleteVpcCommand,
    DescribeRouteTablesCommand,
    DescribeSubnetsCommand,
    DescribeVpcsCommand,
    ModifySubnetAttributeCommand,
    ModifyVpcAttributeCommand,
} from "@aws-sdk/client-ec2";
import { type Kind, unlessGone } from "../kind";
import { fromTagList, text } from "../values";
import { arn, tagsOf } from "./ec2Resource";

export const vpc: Kind = {
    inputs: { cidrBlock: true, enableDnsHostnames: true, enableDnsSupport: true, tags: true },
    replaceOn: ["cidrBlock"],
    async create({ ec2, region }, inputs) {
        const made = await ec2.send(
            new CreateVpcCommand({ CidrBlock: text(inputs.cidrBlock), TagSpecifications: tagsOf("vpc", inputs.tags) }),
        );
        const id = made.Vpc?.VpcId ?? "";
        if (inputs.enableDnsHostnames === true) {
            await ec2.send(new ModifyVpcAttributeCommand({ VpcId: id, EnableDnsHostnames: { Value: true } }));
        }
        const mine = { Name: "vpc-id", Values: [id] };
        const main = { Name: "association.main", Values: ["true"] };
        const tables = await ec2.send(new DescribeRouteTablesCommand({ Filters: [mine, main] }));
        const defaultRouteTableId = tables.RouteTables?.[0]?.RouteTableId;
        return { id, outputs: { arn: arn(region, `vpc/${id}`), defaultRouteTableId } };
    },
    async read({ ec2 }, id) {
        const found = (await unlessGone(ec2.send(new DescribeVpcsCommand({ VpcIds: [id] }))))?.Vpcs?.[0];
        return found ? { cidrBlock: found.CidrBlock, tags: fromTagList(found.Tags) } : undefined;
    },
    async delete({ ec2 }, id) {
        await unlessGone(ec2.send(new DeleteVpcCommand({ VpcId: id })));
    },
};

export const subnet: Kind = {
    inputs: { availabilityZone: true, cidrBlock: true, mapPublicIpOnLaunch: true, tags: true, vpcId: true },
    replaceOn: ["availabilityZone", "cidrBlock", "vpcId"],
    async create({ ec2, region }, inputs) {
        const made = await ec2.send(
            new CreateSubnetCommand({
                AvailabilityZone: text(inputs.availabilityZone),
                CidrBlock: text(inputs.cidrBlock),
                TagSpecifications: tagsOf("subnet", inputs.tags),
                VpcId: text(inputs.vpcId),
            }),
        );
        const id = made.Subnet?.SubnetId ?? "";
        if (inputs.mapPublicIpOnLaunch === true) {
            await ec2.send(new ModifySubnetAttributeCommand({ SubnetId: id, MapPublicIpOnLaunch: { Value: true } }));
        }
        return { id, outputs: { arn: arn(region, `subnet/${id}`) } };
    },
    async read({ ec2 }, id) {
        const found = (await unlessGone(ec2.send(new DescribeSubnetsCommand({ SubnetIds: [id] }))))?.Subnets?.[0];
        return found
            ? {
                  availabilityZone: found.AvailabilityZone,
                  cidrBlock: found.CidrBlock,
                  tags: fromTagList(found.Tags),
                  vpcId: found.VpcId,
              }
            : undefined;
    },
    async delete({ ec2 }, id) {
        await unlessGone(ec2.send(new DeleteSubnetCommand({ SubnetId: id })));
    },
};
