import { isIPv4, isIPv6 } from "node:net";
import * as aws from "@pulumi/aws";
import * as awsx from "@pulumi/awsx";
import * as pulumi from "@pulumi/pulumi";

export interface NetworkArgs {
    /**
     * Where the runners live: `"default"`, the region's default VPC; `"new"`, a VPC of their own (no NAT gateways, so it
     * costs nothing while nothing runs); or an existing subnet, by id.
     *
     * @default "default"
     */
    vpc?: "default" | "new" | { subnetId: string };
    /**
     * Address ranges that may open the BuildKit port, in CIDR notation, version 4 or 6. There is no default: an empty list
     * is an error that shows how to allow one's own address. `0.0.0.0/0` is accepted with a warning: clients need a
     * certificate all the same.
     */
    allowedCidrs: string[];
    /** The BuildKit port. @default 9753 */
    port?: number;
    /**
     * Reach the runners by their private addresses, over a VPN or from inside the VPC; they get no public ones then, and
     * their subnet needs another way out (NAT or endpoints).
     *
     * @default false
     */
    usePrivateAddress?: boolean;
    /** Tags of everything it makes. @default none */
    tags?: { [name: string]: string };
}

/** A subnet that runners can live in. */
export interface Subnet {
    id: string;
    zone: string;
}

export const defaultPort = 9753;

/** Where runners live and who may connect to them. */
export class Network extends pulumi.ComponentResource {
    readonly vpcId: pulumi.Output<string>;
    /** By zone, so that the choice among them is the same every time. */
    readonly subnets: pulumi.Output<Subnet[]>;
    /** The user named the subnet, so a change of it is meant to move the runners. */
    readonly isNamedSubnet: boolean;
    readonly securityGroupId: pulumi.Output<string>;
    readonly port: number;
    readonly usePrivateAddress: boolean;

    /** @throws Error with every wrong argument: the setting, what is wrong, the remedy. */
    constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:Network", name, {}, opts);
        const problems = networkProblems(args);
        if (problems.length > 0) {
            throw new pulumi.RunError(problems.join("\n"));
        }
        this.port = args.port ?? defaultPort;
        this.usePrivateAddress = args.usePrivateAddress ?? false;
        this.isNamedSubnet = typeof args.vpc === "object";

        const place = this.findPlace(name, args);
        this.vpcId = place.vpcId;
        this.subnets = place.subnetIds.apply((ids) => this.describeSubnets(ids));
        this.securityGroupId = this.admitOnly(name, args).id;
        this.registerOutputs({
            vpcId: this.vpcId,
            subnets: this.subnets,
            securityGroupId: this.securityGroupId,
        });
    }

    private findPlace(name: string, args: NetworkArgs): Place {
        if (typeof args.vpc === "object") {
            const subnet = aws.ec2.getSubnetOutput({ id: args.vpc.subnetId }, { parent: this });
            return { vpcId: subnet.vpcId, subnetIds: pulumi.output([args.vpc.subnetId]) };
        }
        return args.vpc === "new" ? this.newVpc(name, args.tags) : this.defaultVpc();
    }

    private defaultVpc(): Place {
        const vpcId = aws.ec2.getVpcOutput({ default: true }, { parent: this }).id;
        const filters = [
            { name: "vpc-id", values: [vpcId] },
            { name: "default-for-az", values: ["true"] },
        ];
        return { vpcId, subnetIds: aws.ec2.getSubnetsOutput({ filters }, { parent: this }).ids };
    }

    private newVpc(name: string, tags: NetworkArgs["tags"]): Place {
        const vpc = new awsx.ec2.Vpc(
            name,
            {
                cidrBlock: "10.46.0.0/16",
                // Two, so that a stand-in can be where the first zone's want of capacity does not reach.
                numberOfAvailabilityZones: 2,
                natGateways: { strategy: awsx.ec2.NatGatewayStrategy.None },
                subnetStrategy: awsx.ec2.SubnetAllocationStrategy.Auto,
                subnetSpecs: [{ type: awsx.ec2.SubnetType.Public }],
                enableDnsHostnames: true,
                tags,
            },
            { parent: this },
        );
        return { vpcId: vpc.vpcId, subnetIds: vpc.publicSubnetIds };
    }

    private describeSubnets(ids: string[]): pulumi.Output<Subnet[]> {
        if (ids.length === 0) {
            throw new pulumi.RunError(
                'vpc "default": this region\'s default VPC has no subnets (or was deleted). Set vpc to "new" or to a subnet\'s id',
            );
        }
        return pulumi
            .all(ids.map((id) => aws.ec2.getSubnetOutput({ id }, { parent: this })))
            .apply((subnets) =>
                subnets
                    .map(({ id, availabilityZone }) => ({ id, zone: availabilityZone }))
                    .sort((a, b) => `${a.zone} ${a.id}`.localeCompare(`${b.zone} ${b.id}`, "en")),
            );
    }

    /** The rules are inline on purpose: whatever is added to the group by hand is then removed by the next `up --refresh`. */
    private admitOnly(name: string, args: NetworkArgs): aws.ec2.SecurityGroup {
        for (const cidr of args.allowedCidrs.filter((cidr) => cidr.endsWith("/0"))) {
            void pulumi.log.warn(
                `allowedCidrs ${cidr}: the whole internet may knock on the BuildKit port. Without a client certificate of this stack nobody gets in, but a list of your own addresses keeps strangers away altogether`,
                this,
            );
        }
        return new aws.ec2.SecurityGroup(
            name,
            {
                description: "native-buildx runners: BuildKit over mutual TLS",
                vpcId: this.vpcId,
                ingress: args.allowedCidrs.map((cidr) => ({
                    description: "BuildKit",
                    protocol: "tcp",
                    fromPort: this.port,
                    toPort: this.port,
                    ...(cidr.includes(":") ? { ipv6CidrBlocks: [cidr] } : { cidrBlocks: [cidr] }),
                })),
                egress: [
                    {
                        description: "builds",
                        protocol: "-1",
                        fromPort: 0,
                        toPort: 0,
                        cidrBlocks: ["0.0.0.0/0"],
                        ipv6CidrBlocks: ["::/0"],
                    },
                ],
                tags: { ...args.tags, Name: name },
            },
            { parent: this },
        );
    }
}

interface Place {
    vpcId: pulumi.Output<string>;
    subnetIds: pulumi.Output<string[]>;
}

/** Everything that is wrong with the arguments, each a line: the setting, what is wrong, the remedy. */
export function networkProblems(args: NetworkArgs): string[] {
    const problems: string[] = [];
    if (args.allowedCidrs.length === 0) {
        problems.push(
            "allowedCidrs is empty, so nobody could connect to the runners. Allow your own address: " +
                "pulumi config set --path 'allowedCidrs[0]' \"$(curl -fsS https://checkip.amazonaws.com)/32\"",
        );
    }
    for (const cidr of args.allowedCidrs) {
        const reason = cidrProblem(cidr);
        if (reason) {
            problems.push(`allowedCidrs "${cidr}": ${reason}`);
        }
    }
    if (new Set(args.allowedCidrs).size < args.allowedCidrs.length) {
        problems.push("allowedCidrs names a range twice: remove one, EC2 refuses duplicate rules");
    }
    const { port = defaultPort } = args;
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
        problems.push(`port ${port}: a TCP port is a whole number from 1 to 65535`);
    }
    if (typeof args.vpc === "object" && !/^subnet-[0-9a-f]+$/.test(args.vpc.subnetId)) {
        problems.push(`subnetId "${args.vpc.subnetId}": a subnet's id looks like subnet-0123456789abcdef0`);
    }
    if (args.usePrivateAddress && args.vpc === "new") {
        problems.push(
            'usePrivateAddress with vpc "new": that VPC is reachable by public addresses only. Name a subnet that your VPN reaches',
        );
    }
    return problems;
}

function cidrProblem(cidr: string): string | undefined {
    const [address = "", length, ...rest] = cidr.split("/");
    const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0;
    if (bits === 0 || rest.length > 0) {
        return "not an address range in CIDR notation, as in 203.0.113.7/32";
    }
    if (length === undefined || !/^\d+$/.test(length) || Number(length) > bits) {
        return `the length of the prefix is missing or wrong: ${address}/${bits} is that address alone`;
    }
    return hasHostBits(address, bits, Number(length))
        ? `has bits after its first ${length}: write the range's first address, or ${address}/${bits} for that address alone`
        : undefined;
}

function hasHostBits(address: string, bits: number, length: number): boolean {
    const hostBits = BigInt(bits - length);
    return (addressNumber(address) & ((1n << hostBits) - 1n)) !== 0n;
}

function addressNumber(address: string): bigint {
    if (isIPv4(address)) {
        return address.split(".").reduce((number, part) => (number << 8n) | BigInt(part), 0n);
    }
    // The URL parser writes every form in groups of hex digits.
    const [head = "", tail = ""] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
    const groups = (part: string) => part.split(":").filter((group) => group !== "");
    const before = groups(head);
    const after = groups(tail);
    const zeros = Array<string>(8 - before.length - after.length).fill("0");
    return [...before, ...zeros, ...after].reduce((number, group) => (number << 16n) | BigInt(`0x${group}`), 0n);
}
