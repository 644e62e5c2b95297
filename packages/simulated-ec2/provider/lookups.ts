import {
    DescribeAvailabilityZonesCommand,
    DescribeInstanceTypeOfferingsCommand,
    DescribeSubnetsCommand,
    DescribeVolumesCommand,
    DescribeVpcsCommand,
    type LocationType,
} from "@aws-sdk/client-ec2";
import { GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import type { Services } from "./kind";
import { list, object, optionalText, type Properties, type Shape, text, texts, type Value } from "./values";

/** How the test provider answers one function. */
export interface Lookup {
    readonly inputs: Shape;
    find(services: Services, inputs: Properties): Promise<Properties>;
}

function filters(value: Value) {
    return list(value).map((filter) => ({ Name: text(object(filter).name), Values: texts(object(filter).values) }));
}

/** As the AWS provider: exactly one, or an error. */
function theOne<T>(what: string, found: T[] | undefined): T {
    const [one, ...others] = found ?? [];
    if (one === undefined || others.length > 0) {
        throw new Error(`${one === undefined ? "no" : "more than one"} matching ${what} found`);
    }
    return one;
}

export const lookups: { readonly [token: string]: Lookup } = {
    "aws:ec2/getVpcs:getVpcs": {
        inputs: { filters: { name: true, values: true } },
        async find({ ec2 }, inputs) {
            const found = await ec2.send(new DescribeVpcsCommand({ Filters: filters(inputs.filters) }));
            return { ids: (found.Vpcs ?? []).map((vpc) => vpc.VpcId) };
        },
    },
    "aws:ec2/getSubnets:getSubnets": {
        inputs: { filters: { name: true, values: true }, tags: true },
        async find({ ec2 }, inputs) {
            const found = await ec2.send(new DescribeSubnetsCommand({ Filters: filters(inputs.filters) }));
            return { ids: (found.Subnets ?? []).map((subnet) => subnet.SubnetId) };
        },
    },
    "aws:ec2/getSubnet:getSubnet": {
        inputs: { id: true },
        async find({ ec2 }, inputs) {
            const found = await ec2.send(new DescribeSubnetsCommand({ SubnetIds: [text(inputs.id)] }));
            const subnet = theOne("EC2 Subnet", found.Subnets);
            return {
                availabilityZone: subnet.AvailabilityZone,
                cidrBlock: subnet.CidrBlock,
                id: subnet.SubnetId,
                mapPublicIpOnLaunch: subnet.MapPublicIpOnLaunch,
                vpcId: subnet.VpcId,
            };
        },
    },
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": {
        inputs: { filters: { name: true, values: true }, locationType: true },
        async find({ ec2 }, inputs) {
            const found = await ec2.send(
                new DescribeInstanceTypeOfferingsCommand({
                    Filters: filters(inputs.filters),
                    LocationType: optionalText(inputs.locationType) as LocationType | undefined,
                }),
            );
            const offerings = found.InstanceTypeOfferings ?? [];
            return {
                instanceTypes: offerings.map((offering) => offering.InstanceType),
                locationTypes: offerings.map((offering) => offering.LocationType),
                locations: offerings.map((offering) => offering.Location),
            };
        },
    },
    "aws:ebs/getEbsVolumes:getEbsVolumes": {
        inputs: { filters: { name: true, values: true } },
        async find({ ec2 }, inputs) {
            const found = await ec2.send(new DescribeVolumesCommand({ Filters: filters(inputs.filters) }));
            return { ids: (found.Volumes ?? []).map((volume) => volume.VolumeId) };
        },
    },
    "aws:ebs/getVolume:getVolume": {
        inputs: { filters: { name: true, values: true } },
        async find({ ec2 }, inputs) {
            const found = await ec2.send(new DescribeVolumesCommand({ Filters: filters(inputs.filters) }));
            const volume = theOne("EBS Volume", found.Volumes);
            return { availabilityZone: volume.AvailabilityZone, size: volume.Size, volumeId: volume.VolumeId };
        },
    },
    "aws:index/getAvailabilityZones:getAvailabilityZones": {
        inputs: { filters: { name: true, values: true }, state: true },
        async find({ ec2 }, inputs) {
            const found = await ec2.send(new DescribeAvailabilityZonesCommand({ Filters: filters(inputs.filters) }));
            return {
                names: (found.AvailabilityZones ?? []).map((zone) => zone.ZoneName),
                zoneIds: (found.AvailabilityZones ?? []).map((zone) => zone.ZoneId),
            };
        },
    },
    "aws:ssm/getParameter:getParameter": {
        inputs: { name: true, withDecryption: true },
        async find({ ssm }, inputs) {
            const found = await ssm.send(
                new GetParameterCommand({ Name: text(inputs.name), WithDecryption: inputs.withDecryption !== false }),
            );
            return {
                arn: found.Parameter?.ARN,
                name: found.Parameter?.Name,
                type: found.Parameter?.Type,
                value: found.Parameter?.Value,
                version: found.Parameter?.Version,
            };
        },
    },
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": {
        inputs: { registryId: true },
        async find({ ecr }) {
            const found = (await ecr.send(new GetAuthorizationTokenCommand({}))).authorizationData?.[0];
            const token = found?.authorizationToken ?? "";
            const [userName, password] = Buffer.from(token, "base64").toString().split(":");
            return {
                authorizationToken: token,
                expiresAt: found?.expiresAt?.toISOString(),
                password,
                proxyEndpoint: found?.proxyEndpoint,
                userName,
            };
        },
    },
    "aws:index/getRegion:getRegion": {
        inputs: {},
        find: async ({ region }) => ({
            description: region,
            endpoint: `ec2.${region}.amazonaws.com`,
            name: region,
            region,
        }),
    },
};
