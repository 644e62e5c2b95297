import { isIPv4, isIPv6 } from "node:net";
import * as ec2 from "@pulumi/aws/ec2";
import * as pulumi from "@pulumi/pulumi";
import ipaddr from "ipaddr.js";
import { awsAccount } from "../../account/awsAccount";
import { stackTags } from "../../account/stackTags";
import { refuseArguments } from "../../settings/mistakes";
import { makeCallersGroup } from "./callersGroup";
import { makeClusterGroup } from "./clusterGroup";
import { clusterPorts } from "./clusterPorts";
import { ownerTag } from "./ec2CacheVolume";
import { GroupLeftovers } from "./groupLeftovers";
import { OwnVpc } from "./ownVpc";
import { makeSecurityGroup } from "./securityGroup";
import type { Ec2Transforms } from "./transforms";

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
     * is an error that shows how to allow one's own address, unless there are `openForCallerMinutes`. `0.0.0.0/0` is
     * accepted with a warning: clients need a certificate all the same.
     */
    allowedCidrs: string[];
    /** Minutes for which connect opens the BuildKit port to the caller's own address. 0: not at all. @default 0 */
    openForCallerMinutes?: number;
    /** The BuildKit port. @default 9753 */
    port?: number;
    /**
     * Reach the runners by their private addresses, over a VPN or from inside the VPC; they get no public ones then, and
     * their subnet needs another way out (NAT or endpoints).
     *
     * @default false
     */
    usePrivateAddress?: boolean;
    /** The runners are nodes of a compile cluster. @default false */
    compileCluster?: boolean;
    /** Tags of everything it makes. @default none */
    tags?: { [name: string]: string };
    /** Changes the security group's arguments. @default none */
    transform?: Ec2Transforms["securityGroup"];
}

export const defaultPort = 9753;

/** Where runners live and who may connect to them. */
export class Network extends pulumi.ComponentResource {
    readonly vpcId: pulumi.Output<string>;
    /** The zones in which runners can live, in an order that is the same every time. */
    readonly zones: pulumi.Output<string[]>;
    readonly securityGroupId: pulumi.Output<string>;
    /** The security group whose rules connect writes, where there are `openForCallerMinutes`. */
    readonly callersGroup: ec2.SecurityGroup | undefined;
    /** The security group of their compile cluster, where they are in one. */
    readonly clusterGroup: ec2.SecurityGroup | undefined;
    readonly openForCallerMinutes: number;
    readonly port: number;
    readonly usePrivateAddress: boolean;

    private readonly subnetIds: pulumi.Output<string[]>;

    /** @throws Error with every wrong argument: the setting, what is wrong, the remedy. */
    constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:Network", name, {}, opts);
        refuseArguments(networkProblems(args));
        this.port = args.port ?? defaultPort;
        this.usePrivateAddress = args.usePrivateAddress ?? false;
        this.openForCallerMinutes = args.openForCallerMinutes ?? 0;

        const place = this.findPlace(name, args);
        this.vpcId = place.vpcId;
        this.zones = place.zones;
        this.subnetIds = place.subnetIds;
        this.callersGroup =
            this.openForCallerMinutes > 0
                ? makeCallersGroup(`${name}-callers`, { vpcId: this.vpcId, tags: args.tags }, this)
                : undefined;
        this.clusterGroup = args.compileCluster
            ? makeClusterGroup(`${name}-cluster`, { vpcId: this.vpcId, tags: args.tags }, this)
            : undefined;
        this.securityGroupId = new GroupLeftovers(
            name,
            {
                securityGroupId: this.admitOnly(name, args).id,
                tags: stackTags(),
                volumeTag: ownerTag,
                ...awsAccount(this),
            },
            // Deleted before all groups.
            { parent: this, dependsOn: this.moreGroups },
        ).securityGroupId;
        this.registerOutputs({
            vpcId: this.vpcId,
            zones: this.zones,
            securityGroupId: this.securityGroupId,
        });
    }

    /** The subnet in one of `zones`. */
    subnetIn(zone: pulumi.Input<string>): pulumi.Output<string> {
        return pulumi
            .all([this.zones, this.subnetIds, zone])
            .apply(([zones, ids, wanted]) => ids[zones.indexOf(wanted)] ?? "");
    }

    /** The security groups of an instance. */
    get securityGroupIds(): pulumi.Output<string[]> {
        return pulumi.all([this.securityGroupId, ...this.moreGroups.map(({ id }) => id)]);
    }

    private get moreGroups(): ec2.SecurityGroup[] {
        return [this.callersGroup, this.clusterGroup].filter((group) => group !== undefined);
    }

    private findPlace(name: string, args: NetworkArgs): Place {
        if (args.vpc === "new") {
            return new OwnVpc(name, { tags: args.tags }, { parent: this });
        }
        return typeof args.vpc === "object" ? this.namedSubnet(args.vpc.subnetId) : this.defaultVpc();
    }

    private namedSubnet(id: string): Place {
        const subnet = ec2.getSubnetOutput({ id }, { parent: this });
        const zones = subnet.availabilityZone.apply((zone) => [zone]);
        return { vpcId: subnet.vpcId, zones, subnetIds: pulumi.output([id]) };
    }

    private defaultVpc(): Place {
        // Not getVpc, which fails where there is none.
        const isDefault = [{ name: "is-default", values: ["true"] }];
        const vpcId = ec2.getVpcsOutput({ filters: isDefault }, { parent: this }).ids.apply(theDefaultVpc);
        const filters = [
            { name: "vpc-id", values: [vpcId] },
            { name: "default-for-az", values: ["true"] },
        ];
        const ids = ec2.getSubnetsOutput({ filters }, { parent: this }).ids;
        const subnets = ids.apply((found) => this.describeSubnets(found));
        return {
            vpcId,
            zones: subnets.apply((found) => found.map(({ zone }) => zone)),
            subnetIds: subnets.apply((found) => found.map(({ id }) => id)),
        };
    }

    private describeSubnets(ids: string[]): pulumi.Output<{ id: string; zone: string }[]> {
        if (ids.length === 0) {
            throw new pulumi.RunError(
                'vpc "default": this region\'s default VPC has no subnets (or was deleted). Set vpc to "new" or to a subnet\'s id',
            );
        }
        return pulumi
            .all(ids.map((id) => ec2.getSubnetOutput({ id }, { parent: this })))
            .apply((subnets) =>
                subnets
                    .map(({ id, availabilityZone }) => ({ id, zone: availabilityZone }))
                    .sort((a, b) => a.zone.localeCompare(b.zone, "en")),
            );
    }

    /** The rules are inline on purpose: so the next `up --refresh` removes what was added to the group by hand. */
    private admitOnly(name: string, args: NetworkArgs): ec2.SecurityGroup {
        for (const cidr of args.allowedCidrs.filter((cidr) => cidr.endsWith("/0"))) {
            void pulumi.log.warn(
                `allowedCidrs ${cidr}: the whole internet may knock on the BuildKit port. Without a client certificate of this stack nobody gets in, but openForCallerMinutes, or a list of your own addresses, keeps strangers away altogether`,
                this,
            );
        }
        const group = {
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
        };
        return makeSecurityGroup(name, { ...group, tags: args.tags, transform: args.transform }, { parent: this });
    }
}

/** @param ids of the region's default VPC, if it has one. @throws RunError where there is none */
export function theDefaultVpc([id]: string[]): string {
    if (id === undefined) {
        throw new pulumi.RunError(
            'vpc "default": this region has no default VPC. Set vpc to "new" or to a subnet\'s id',
        );
    }
    return id;
}

interface Place {
    vpcId: pulumi.Output<string>;
    zones: pulumi.Output<string[]>;
    /** In the order of `zones`. */
    subnetIds: pulumi.Output<string[]>;
}

/** Everything that is wrong with the arguments, each a line: the setting, by its name in `Ec2RunnersArgs`, what is wrong, the remedy. */
export function networkProblems(args: NetworkArgs): string[] {
    return [...whoProblems(args), ...portProblems(args), ...placeProblems(args)];
}

function whoProblems({ allowedCidrs, openForCallerMinutes = 0, usePrivateAddress }: NetworkArgs): string[] {
    return [
        ...(allowedCidrs.length === 0 && openForCallerMinutes === 0
            ? [
                  "allowedCidrs is empty, so nobody could connect to the runners. Let whoever connects in, for a time: " +
                      "pulumi config set openForCallerMinutes 60; or allow your own address: " +
                      "pulumi config set --path 'allowedCidrs[0]' \"$(curl -fsS https://checkip.amazonaws.com)/32\"",
              ]
            : []),
        ...(openForCallerMinutes > 0 && usePrivateAddress
            ? [
                  "openForCallerMinutes with usePrivateAddress: connect finds a caller's public address only. Name your network's range in allowedCidrs, and set openForCallerMinutes to 0",
              ]
            : []),
        ...allowedCidrs.flatMap((cidr) => {
            const reason = cidrProblem(cidr);
            return reason ? [`allowedCidrs "${cidr}": ${reason}`] : [];
        }),
        ...(new Set(allowedCidrs).size < allowedCidrs.length
            ? ["allowedCidrs names a range twice: remove one, EC2 refuses duplicate rules"]
            : []),
    ];
}

function portProblems({ port = defaultPort, compileCluster }: NetworkArgs): string[] {
    return [
        ...(!Number.isInteger(port) || port < 1 || port > 65535
            ? [`buildkitPort ${port}: a TCP port is a whole number from 1 to 65535`]
            : []),
        ...(compileCluster && Object.values<number>(clusterPorts).includes(port)
            ? [`buildkitPort ${port}: the nodes of the compile cluster listen on it. Choose another for BuildKit`]
            : []),
    ];
}

function placeProblems({ vpc, usePrivateAddress }: NetworkArgs): string[] {
    return [
        ...(typeof vpc === "object" && !/^subnet-[0-9a-f]+$/.test(vpc.subnetId)
            ? [`vpc "${vpc.subnetId}": a subnet's id looks like subnet-0123456789abcdef0; or write "default" or "new"`]
            : []),
        ...(usePrivateAddress && vpc === "new"
            ? [
                  'usePrivateAddress with vpc "new": that VPC is reachable by public addresses only. Name a subnet that your VPN reaches',
              ]
            : []),
    ];
}

function cidrProblem(cidr: string): string | undefined {
    const [address = "", length, ...rest] = cidr.split("/");
    const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0;
    if (bits === 0 || rest.length > 0) {
        return "not an address range in CIDR notation, as in 203.0.113.7/32";
    }
    if (length === undefined || !ipaddr.isValidCIDR(cidr)) {
        return `the length of the prefix is missing or wrong: ${address}/${bits} is that address alone`;
    }
    return firstAddress(cidr, bits) !== ipaddr.parse(address).toNormalizedString()
        ? `has bits after its first ${length}: write the range's first address, or ${address}/${bits} for that address alone`
        : undefined;
}

function firstAddress(cidr: string, bits: number): string {
    return (bits === 32 ? ipaddr.IPv4 : ipaddr.IPv6).networkAddressFromCIDR(cidr).toNormalizedString();
}
