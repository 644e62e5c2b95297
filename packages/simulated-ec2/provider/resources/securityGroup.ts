import {
    AuthorizeSecurityGroupEgressCommand,
    AuthorizeSecurityGroupIngressCommand,
    CreateSecurityGroupCommand,
    DeleteSecurityGroupCommand,
    DescribeSecurityGroupsCommand,
    type EC2Client,
    type IpPermission,
    RevokeSecurityGroupEgressCommand,
    RevokeSecurityGroupIngressCommand,
    type SecurityGroup,
} from "@aws-sdk/client-ec2";
import { type Kind, unlessGone, until } from "../kind";
import {
    fromTagList,
    list,
    object,
    optionalNumber,
    optionalText,
    type Properties,
    text,
    texts,
    type Value,
} from "../values";
import { arn, retag, tagsOf } from "./ec2Resource";

const rule = {
    cidrBlocks: true,
    description: true,
    fromPort: true,
    ipv6CidrBlocks: true,
    protocol: true,
    securityGroups: true,
    self: true,
    toPort: true,
} as const;

/** @param own the group that the rules are of */
function permissions(rules: Value, own: string): IpPermission[] {
    return list(rules).map((value) => {
        const given = object(value);
        const Description = optionalText(given.description);
        const all = given.protocol === "-1";
        return {
            IpProtocol: text(given.protocol),
            FromPort: all ? undefined : optionalNumber(given.fromPort),
            ToPort: all ? undefined : optionalNumber(given.toPort),
            IpRanges: texts(given.cidrBlocks).map((CidrIp) => ({ CidrIp, Description })),
            Ipv6Ranges: texts(given.ipv6CidrBlocks).map((CidrIpv6) => ({ CidrIpv6, Description })),
            UserIdGroupPairs: [...texts(given.securityGroups), ...(given.self === true ? [own] : [])].map(
                (GroupId) => ({
                    GroupId,
                    Description,
                }),
            ),
        };
    });
}

/** The rules as the AWS provider reads them: one for each description of a port range. */
function fromPermissions(permissions: IpPermission[] | undefined, own: string): Value[] {
    const rules = new Map<string, Properties>();
    for (const permission of permissions ?? []) {
        const all = permission.IpProtocol === "-1";
        const from = all ? 0 : permission.FromPort;
        const to = all ? 0 : permission.ToPort;
        const ruleOf = (description?: string): Properties => {
            const key = `${permission.IpProtocol} ${from} ${to} ${description ?? ""}`;
            const found = rules.get(key) ?? {
                protocol: permission.IpProtocol,
                fromPort: from,
                toPort: to,
                description: description ?? "",
            };
            rules.set(key, found);
            return found;
        };
        const add = (
            kind: "cidrBlocks" | "ipv6CidrBlocks" | "securityGroups",
            value?: string,
            description?: string,
        ) => {
            const found = ruleOf(description);
            found[kind] = [...list(found[kind]), value];
        };
        for (const range of permission.IpRanges ?? []) {
            add("cidrBlocks", range.CidrIp, range.Description);
        }
        for (const range of permission.Ipv6Ranges ?? []) {
            add("ipv6CidrBlocks", range.CidrIpv6, range.Description);
        }
        for (const pair of permission.UserIdGroupPairs ?? []) {
            if (pair.GroupId === own) {
                ruleOf(pair.Description).self = true;
            } else {
                add("securityGroups", pair.GroupId, pair.Description);
            }
        }
    }
    return [...rules.values()];
}

async function findGroup(ec2: EC2Client, id: string): Promise<SecurityGroup | undefined> {
    return (await unlessGone(ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] }))))?.SecurityGroups?.[0];
}

function groupOutputs(group: SecurityGroup, region: string): Properties {
    return {
        arn: arn(region, `security-group/${group.GroupId}`),
        description: group.Description,
        egress: fromPermissions(group.IpPermissionsEgress, group.GroupId ?? ""),
        ingress: fromPermissions(group.IpPermissions, group.GroupId ?? ""),
        name: group.GroupName,
        ownerId: group.OwnerId,
        tags: fromTagList(group.Tags),
        tagsAll: fromTagList(group.Tags),
        vpcId: group.VpcId,
    };
}

async function setIngress(ec2: EC2Client, GroupId: string, rules: Value): Promise<void> {
    const now = (await findGroup(ec2, GroupId))?.IpPermissions;
    if (now?.length) {
        await ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions: now }));
    }
    if (list(rules).length > 0) {
        await ec2.send(
            new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: permissions(rules, GroupId) }),
        );
    }
}

async function setEgress(ec2: EC2Client, GroupId: string, rules: Value): Promise<void> {
    // A group that AWS makes lets everything out; the AWS provider takes that away.
    const now = (await findGroup(ec2, GroupId))?.IpPermissionsEgress;
    if (now?.length) {
        await ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: now }));
    }
    if (list(rules).length > 0) {
        await ec2.send(
            new AuthorizeSecurityGroupEgressCommand({ GroupId, IpPermissions: permissions(rules, GroupId) }),
        );
    }
}

export const securityGroup: Kind = {
    inputs: { description: true, egress: rule, ingress: rule, name: true, tags: true, vpcId: true },
    replaceOn: ["description", "name", "vpcId"],
    autoname: "name",
    async create({ ec2, region }, inputs) {
        const made = await ec2.send(
            new CreateSecurityGroupCommand({
                Description: optionalText(inputs.description) ?? "Managed by Pulumi",
                GroupName: text(inputs.name),
                TagSpecifications: tagsOf("security-group", inputs.tags),
                VpcId: optionalText(inputs.vpcId),
            }),
        );
        const id = made.GroupId ?? "";
        await setIngress(ec2, id, inputs.ingress);
        await setEgress(ec2, id, inputs.egress);
        const found = await findGroup(ec2, id);
        return { id, outputs: found ? groupOutputs(found, region) : {} };
    },
    async read({ ec2, region }, id) {
        const found = await findGroup(ec2, id);
        return found ? groupOutputs(found, region) : undefined;
    },
    async update({ ec2 }, id, olds, news, changed) {
        if (changed.includes("tags")) {
            await retag(ec2, id, olds.tags, news.tags);
        }
        if (changed.includes("ingress")) {
            await setIngress(ec2, id, news.ingress);
        }
        if (changed.includes("egress")) {
            await setEgress(ec2, id, news.egress);
        }
    },
    async delete({ ec2 }, id) {
        // As the AWS provider: network interfaces may still be on their way out.
        await until(`security group ${id} deleted`, async () => {
            try {
                await unlessGone(ec2.send(new DeleteSecurityGroupCommand({ GroupId: id })));
                return true;
            } catch (error) {
                if (error instanceof Error && error.name === "DependencyViolation") {
                    return undefined;
                }
                throw error;
            }
        });
    },
};
