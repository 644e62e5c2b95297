/** A Pulumi provider for the `awsx` components that the program uses: the same children, without the rest. Test equipment. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import * as provider from "@pulumi/pulumi/provider";
import { endWithEngine } from "../../../provider/lifetime";

class SimulatedAwsx implements provider.Provider {
    readonly version = "3.9.0";

    async construct(
        name: string,
        type: string,
        inputs: pulumi.Inputs,
        options: pulumi.ComponentResourceOptions,
    ): Promise<provider.ConstructResult> {
        switch (type) {
            case "awsx:ecr:Repository": {
                const made = new Repository(name, inputs, options);
                return { urn: made.urn, state: { repository: made.repository, url: made.url } };
            }
            case "awsx:ec2:Vpc": {
                const made = new Vpc(name, inputs, options);
                return { urn: made.urn, state: { publicSubnetIds: made.publicSubnetIds, vpcId: made.vpcId } };
            }
            default:
                throw new Error(
                    `the simulated EC2 does not handle the component ${type}: add it to tests/ec2/provider/awsx.ts`,
                );
        }
    }
}

/** @throws Error naming what is not in `known`. */
function refuseOthers(type: string, inputs: pulumi.Inputs, known: readonly string[]): void {
    const others = Object.keys(inputs).filter(
        (property) => inputs[property] !== undefined && !known.includes(property),
    );
    if (others.length > 0) {
        throw new Error(`the simulated EC2 does not handle ${others.join(", ")} of ${type}`);
    }
}

interface LifecycleRule {
    description?: string;
    tagStatus: string;
    tagPrefixList?: string[];
    maximumAgeLimit?: number;
    maximumNumberOfImages?: number;
}

class Repository extends pulumi.ComponentResource {
    readonly repository: aws.ecr.Repository;
    readonly url: pulumi.Output<string>;

    constructor(name: string, inputs: pulumi.Inputs, options: pulumi.ComponentResourceOptions) {
        super("awsx:ecr:Repository", name, {}, options);
        refuseOthers("awsx:ecr:Repository", inputs, [
            "encryptionConfigurations",
            "forceDelete",
            "imageScanningConfiguration",
            "imageTagMutability",
            "imageTagMutabilityExclusionFilters",
            "lifecyclePolicy",
            "name",
            "tags",
        ]);
        const { lifecyclePolicy, ...repository } = inputs;
        this.repository = new aws.ecr.Repository(name, repository, { parent: this });
        this.url = this.repository.repositoryUrl;
        new aws.ecr.LifecyclePolicy(
            name,
            { repository: this.repository.name, policy: pulumi.output(lifecyclePolicy).apply(renderRules) },
            { parent: this },
        );
        this.registerOutputs({ repository: this.repository, url: this.url });
    }
}

function renderRules(given: { rules?: LifecycleRule[] } | undefined): string {
    const rules = (given?.rules ?? []).map((rule, index) => {
        const count =
            rule.maximumAgeLimit === undefined
                ? { countType: "imageCountMoreThan", countNumber: rule.maximumNumberOfImages }
                : { countType: "sinceImagePushed", countUnit: "days", countNumber: rule.maximumAgeLimit };
        return {
            rulePriority: index + 1,
            description: rule.description,
            selection: { tagStatus: rule.tagStatus, tagPrefixList: rule.tagPrefixList, ...count },
            action: { type: "expire" },
        };
    });
    return JSON.stringify({ rules });
}

class Vpc extends pulumi.ComponentResource {
    readonly vpcId: pulumi.Output<string>;
    readonly publicSubnetIds: pulumi.Output<string[]>;

    constructor(name: string, inputs: pulumi.Inputs, options: pulumi.ComponentResourceOptions) {
        super("awsx:ec2:Vpc", name, {}, options);
        refuseOthers("awsx:ec2:Vpc", inputs, [
            "cidrBlock",
            "enableDnsHostnames",
            "natGateways",
            "numberOfAvailabilityZones",
            "subnetSpecs",
            "subnetStrategy",
            "tags",
        ]);
        if (
            JSON.stringify(inputs.natGateways) !== '{"strategy":"None"}' ||
            JSON.stringify(inputs.subnetSpecs) !== '[{"type":"Public"}]'
        ) {
            throw new Error("the simulated EC2 makes a VPC of public subnets without NAT gateways, and no other");
        }
        const parent = { parent: this };
        const { tags, cidrBlock, enableDnsHostnames } = inputs;
        const vpc = new aws.ec2.Vpc(name, { cidrBlock, enableDnsHostnames, tags }, parent);
        const gateway = new aws.ec2.InternetGateway(name, { vpcId: vpc.id, tags }, parent);
        const zones = aws.getAvailabilityZonesOutput({ state: "available" }, parent).names;
        const network = String(cidrBlock).split(".").slice(0, 2).join(".");
        const ids = Array.from({ length: Number(inputs.numberOfAvailabilityZones ?? 3) }, (_, index) => {
            const childName = `${name}-public-${index + 1}`;
            const subnet = new aws.ec2.Subnet(
                childName,
                {
                    vpcId: vpc.id,
                    availabilityZone: zones.apply((names) => names[index] ?? ""),
                    cidrBlock: `${network}.${index * 16}.0/20`,
                    mapPublicIpOnLaunch: true,
                    tags,
                },
                parent,
            );
            const table = new aws.ec2.RouteTable(childName, { vpcId: vpc.id, tags }, { parent: subnet });
            new aws.ec2.Route(
                childName,
                { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id },
                { parent: table },
            );
            new aws.ec2.RouteTableAssociation(
                childName,
                { routeTableId: table.id, subnetId: subnet.id },
                { parent: table },
            );
            return subnet.id;
        });
        this.vpcId = vpc.id;
        this.publicSubnetIds = pulumi.all(ids);
        this.registerOutputs({ publicSubnetIds: this.publicSubnetIds, vpcId: this.vpcId });
    }
}

endWithEngine(process.argv.at(-1) ?? "");
void provider.main(new SimulatedAwsx(), process.argv.slice(2));
