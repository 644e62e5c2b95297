import * as pulumi from "@pulumi/pulumi";
import { Recorded, scriptKey, takeHooks } from "./pulumiMocks";

export { resolved, settled } from "./pulumiMocks";

/** A resource as a component registered it. */
export interface Registered {
    type: string;
    name: string;
    inputs: { [property: string]: unknown };
}

export interface Call {
    token: string;
    inputs: { [property: string]: unknown };
}

/** What the region has, for the tests to change. */
export interface Region {
    subnets: { [id: string]: string };
    /** Zones by instance type; every zone, for a type that is not here. */
    offerings: { [instanceType: string]: string[] };
    /** Zones of the cache volumes that are there, by the volumes' ids. */
    volumes: { [id: string]: string };
}

/** Records every resource and call of the AWS components, and fails on a call that it does not know. */
export class AwsMocks extends Recorded<Registered> implements pulumi.runtime.Mocks {
    readonly calls: Call[] = [];
    readonly region: Region = {
        subnets: { "subnet-0b": "eu-central-1b", "subnet-0a": "eu-central-1a" },
        offerings: {},
        volumes: {},
    };

    newResource(args: pulumi.runtime.MockResourceArgs): { id: string | undefined; state: { [name: string]: unknown } } {
        this.resources.push({ type: args.type, name: args.name, inputs: args.inputs });
        const id = this.idOf(args);
        const arn = `arn:aws:mock:eu-central-1:123456789012:${args.type}/${args.inputs.name ?? args.name}`;
        const state: { [name: string]: unknown } = { name: args.name, ...args.inputs, arn };
        if (args.type === "native-buildx:index:EcrRepository") {
            state.repositoryUrl = `123456789012.dkr.ecr.eu-central-1.amazonaws.com/${args.inputs.repositoryName}`;
            state.registryId = "123456789012";
            state.arn = `arn:aws:ecr:eu-central-1:123456789012:repository/${args.inputs.repositoryName}`;
        } else if (args.type === "aws:ec2/vpc:Vpc") {
            state.defaultRouteTableId = "rtb-main";
        } else if (args.type === "aws:ec2/instance:Instance") {
            state.privateIp = `address-of-${args.name}`;
        }
        return { id, state };
    }

    call(args: pulumi.runtime.MockCallArgs): { [name: string]: unknown } {
        this.calls.push({ token: args.token, inputs: args.inputs });
        switch (args.token) {
            case "aws:index/getRegion:getRegion":
                return { region: "eu-central-1", id: "eu-central-1" };
            case "aws:ec2/getVpcs:getVpcs":
                return { ids: ["vpc-default"] };
            case "aws:ec2/getSubnets:getSubnets":
                return { ids: Object.keys(this.region.subnets) };
            case "aws:ec2/getSubnet:getSubnet":
                return {
                    id: args.inputs.id,
                    vpcId: "vpc-of-subnet",
                    availabilityZone: this.region.subnets[args.inputs.id],
                };
            case "aws:index/getAvailabilityZones:getAvailabilityZones":
                return { names: ["eu-central-1c", "eu-central-1a", "eu-central-1b"] };
            case "aws:ebs/getEbsVolumes:getEbsVolumes":
                return { ids: Object.keys(this.region.volumes) };
            case "aws:ebs/getVolume:getVolume":
                return { availabilityZone: this.region.volumes[args.inputs.filters[0].values[0]] };
            case "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": {
                const type: string = args.inputs.filters[0].values[0];
                return { locations: this.region.offerings[type] ?? Object.values(this.region.subnets) };
            }
            case "aws:ssm/getParameter:getParameter":
                return { value: `ami-of${args.inputs.name}` };
            case "aws:eks/getCluster:getCluster":
                return { arn: `arn:aws:eks:eu-central-1:123456789012:cluster/${args.inputs.name}` };
            case "aws:ecr/getAuthorizationToken:getAuthorizationToken":
                return {
                    userName: "AWS",
                    password: "ecr-password",
                    proxyEndpoint: "https://ignored",
                    expiresAt: new Date(Date.now() + 12 * 3600_000).toISOString(),
                };
            case "native-buildx:index:keepScript":
                return { key: scriptKey };
            default:
                throw new Error(`unexpected call ${args.token}`);
        }
    }

    private idOf(args: pulumi.runtime.MockResourceArgs): string {
        if (args.type === "aws:ebs/volume:Volume") {
            return "vol-0123456789abcdef0";
        }
        return args.type === "aws:ec2/instance:Instance" ? `i-${args.name}` : `${args.name}-id`;
    }
}

/** Starts a test's own deployment. */
export async function mockAws(): Promise<AwsMocks> {
    const mocks = new AwsMocks();
    await pulumi.runtime.setMocks(mocks, "native-buildx", "prod");
    takeHooks();
    return mocks;
}
