import {
    AttachInternetGatewayCommand,
    AttachVolumeCommand,
    AuthorizeSecurityGroupEgressCommand,
    AuthorizeSecurityGroupIngressCommand,
    CreateInternetGatewayCommand,
    CreateRouteCommand,
    CreateSecurityGroupCommand,
    CreateSubnetCommand,
    CreateTagsCommand,
    CreateVolumeCommand,
    CreateVpcCommand,
    DeleteInternetGatewayCommand,
    DeleteRouteCommand,
    DeleteSecurityGroupCommand,
    DeleteSubnetCommand,
    DeleteTagsCommand,
    DeleteVolumeCommand,
    DeleteVpcCommand,
    DescribeInstancesCommand,
    DescribeInternetGatewaysCommand,
    DescribeRouteTablesCommand,
    DescribeSecurityGroupsCommand,
    DescribeSubnetsCommand,
    DescribeVolumesCommand,
    DescribeVpcsCommand,
    DetachInternetGatewayCommand,
    DetachVolumeCommand,
    type EC2Client,
    type Instance,
    type IpPermission,
    ModifyInstanceAttributeCommand,
    ModifyInstanceMetadataOptionsCommand,
    ModifySubnetAttributeCommand,
    ModifyVolumeCommand,
    ModifyVpcAttributeCommand,
    type ResourceType,
    RevokeSecurityGroupEgressCommand,
    RevokeSecurityGroupIngressCommand,
    RunInstancesCommand,
    type SecurityGroup,
    StartInstancesCommand,
    StopInstancesCommand,
    TerminateInstancesCommand,
    type Volume,
    type VolumeType,
} from "@aws-sdk/client-ec2";
import { type Kind, unlessGone, until } from "./kind";
import {
    fromTagList,
    list,
    object,
    optionalNumber,
    optionalText,
    type Properties,
    tagList,
    tagMap,
    text,
    texts,
    type Value,
} from "./values";

const account = "123456789012";

function arn(region: string, resource: string): string {
    return `arn:aws:ec2:${region}:${account}:${resource}`;
}

function tagsOf(kind: ResourceType, tags: Value) {
    const Tags = tagList(tags);
    return Tags.length === 0 ? undefined : [{ ResourceType: kind, Tags }];
}

async function retag(ec2: EC2Client, id: string, olds: Value, news: Value): Promise<void> {
    const removed = Object.keys(tagMap(olds)).filter((key) => !(key in tagMap(news)));
    if (removed.length > 0) {
        await ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: removed.map((Key) => ({ Key })) }));
    }
    if (tagList(news).length > 0) {
        await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: tagList(news) }));
    }
}

async function findInstance(ec2: EC2Client, id: string): Promise<Instance | undefined> {
    const found = await unlessGone(ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] })));
    const instance = found?.Reservations?.[0]?.Instances?.[0];
    return instance?.State?.Name === "terminated" ? undefined : instance;
}

async function awaitState(ec2: EC2Client, id: string, wanted: string): Promise<Instance> {
    return until(`instance ${id} ${wanted}`, async () => {
        const found = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
        const instance = found.Reservations?.[0]?.Instances?.[0];
        const state = instance?.State?.Name;
        if (state !== wanted && (state === "terminated" || (wanted === "running" && state === "stopped"))) {
            throw new Error(`instance ${id} is ${state} and not ${wanted}: ${instance?.StateReason?.Message ?? ""}`);
        }
        return state === wanted ? instance : undefined;
    });
}

/** Waits out `stopping`: starting, stopping and attaching are refused in between. */
async function awaitSettled(ec2: EC2Client, id: string): Promise<string | undefined> {
    return until(`instance ${id} settled`, async () => {
        const state = (await findInstance(ec2, id))?.State?.Name ?? "terminated";
        return ["pending", "stopping", "shutting-down"].includes(state) ? undefined : state;
    });
}

async function stop(ec2: EC2Client, id: string): Promise<void> {
    if ((await awaitSettled(ec2, id)) === "running") {
        await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
        await awaitState(ec2, id, "stopped");
    }
}

async function instanceOutputs(ec2: EC2Client, instance: Instance, region: string): Promise<Properties> {
    const id = instance.InstanceId ?? "";
    const rootDevice = instance.BlockDeviceMappings?.find((mapping) => mapping.DeviceName === instance.RootDeviceName);
    const rootId = rootDevice?.Ebs?.VolumeId;
    const root = rootId ? await findVolume(ec2, rootId) : undefined;
    return {
        arn: arn(region, `instance/${id}`),
        ami: instance.ImageId,
        // What the AWS provider reads off a stopped instance:
        // https://github.com/hashicorp/terraform-provider-aws/issues/33775
        associatePublicIpAddress: instance.PublicIpAddress !== undefined,
        availabilityZone: instance.Placement?.AvailabilityZone,
        iamInstanceProfile: instance.IamInstanceProfile?.Arn?.split("/").at(-1),
        instanceState: instance.State?.Name,
        instanceType: instance.InstanceType,
        metadataOptions: {
            httpEndpoint: instance.MetadataOptions?.HttpEndpoint,
            httpTokens: instance.MetadataOptions?.HttpTokens,
            httpPutResponseHopLimit: instance.MetadataOptions?.HttpPutResponseHopLimit,
            instanceMetadataTags: instance.MetadataOptions?.InstanceMetadataTags,
        },
        privateIp: instance.PrivateIpAddress,
        publicIp: instance.PublicIpAddress ?? "",
        subnetId: instance.SubnetId,
        tags: fromTagList(instance.Tags),
        tagsAll: fromTagList(instance.Tags),
        vpcSecurityGroupIds: (instance.SecurityGroups ?? []).map((group) => group.GroupId),
        rootBlockDevice: {
            deviceName: instance.RootDeviceName,
            deleteOnTermination: rootDevice?.Ebs?.DeleteOnTermination,
            encrypted: root?.Encrypted,
            kmsKeyId: root?.KmsKeyId,
            tags: fromTagList(root?.Tags),
            volumeId: rootId,
            volumeSize: root?.Size,
            volumeType: root?.VolumeType,
        },
    };
}

const instance: Kind = {
    inputs: {
        ami: true,
        associatePublicIpAddress: true,
        iamInstanceProfile: true,
        instanceInitiatedShutdownBehavior: true,
        instanceType: true,
        metadataOptions: {
            httpEndpoint: true,
            httpTokens: true,
            httpPutResponseHopLimit: true,
            instanceMetadataTags: true,
        },
        rootBlockDevice: {
            deleteOnTermination: true,
            encrypted: true,
            kmsKeyId: true,
            tags: true,
            volumeSize: true,
            volumeType: true,
        },
        subnetId: true,
        tags: true,
        userDataBase64: true,
        userDataReplaceOnChange: true,
        vpcSecurityGroupIds: true,
    },
    replaceOn: ["ami", "associatePublicIpAddress", "subnetId"],
    replaces: (_olds, news, changed) =>
        changed.includes("userDataBase64") && news.userDataReplaceOnChange === true ? ["userDataBase64"] : [],
    async create({ ec2, region }, inputs) {
        const root = object(inputs.rootBlockDevice);
        const metadata = object(inputs.metadataOptions);
        const made = await ec2.send(
            new RunInstancesCommand({
                MinCount: 1,
                MaxCount: 1,
                ImageId: text(inputs.ami),
                InstanceType: text(inputs.instanceType) as Instance["InstanceType"],
                IamInstanceProfile: inputs.iamInstanceProfile ? { Name: text(inputs.iamInstanceProfile) } : undefined,
                InstanceInitiatedShutdownBehavior: optionalText(inputs.instanceInitiatedShutdownBehavior) as
                    | "stop"
                    | "terminate"
                    | undefined,
                NetworkInterfaces: [
                    {
                        DeviceIndex: 0,
                        SubnetId: optionalText(inputs.subnetId),
                        AssociatePublicIpAddress: inputs.associatePublicIpAddress === true,
                        Groups: texts(inputs.vpcSecurityGroupIds),
                    },
                ],
                MetadataOptions: {
                    HttpEndpoint: optionalText(metadata.httpEndpoint) as "enabled" | "disabled" | undefined,
                    HttpTokens: optionalText(metadata.httpTokens) as "required" | "optional" | undefined,
                    HttpPutResponseHopLimit: optionalNumber(metadata.httpPutResponseHopLimit),
                    InstanceMetadataTags: optionalText(metadata.instanceMetadataTags) as
                        | "enabled"
                        | "disabled"
                        | undefined,
                },
                BlockDeviceMappings: inputs.rootBlockDevice
                    ? [
                          {
                              DeviceName: "/dev/xvda",
                              Ebs: {
                                  DeleteOnTermination: root.deleteOnTermination !== false,
                                  Encrypted: root.encrypted === true,
                                  KmsKeyId: optionalText(root.kmsKeyId),
                                  VolumeSize: optionalNumber(root.volumeSize) ?? 8,
                                  VolumeType: optionalText(root.volumeType) as VolumeType | undefined,
                              },
                          },
                      ]
                    : undefined,
                TagSpecifications: [
                    ...(tagsOf("instance", inputs.tags) ?? []),
                    ...(tagsOf("volume", root.tags ?? null) ?? []),
                ],
                UserData: optionalText(inputs.userDataBase64),
            }),
        );
        const id = made.Instances?.[0]?.InstanceId ?? "";
        const running = await awaitState(ec2, id, "running");
        return { id, outputs: await instanceOutputs(ec2, running, region) };
    },
    async read({ ec2, region }, id) {
        const found = await findInstance(ec2, id);
        return found ? instanceOutputs(ec2, found, region) : undefined;
    },
    async update({ ec2 }, id, olds, news, changed) {
        for (const property of changed) {
            switch (property) {
                case "tags":
                    await retag(ec2, id, olds.tags, news.tags);
                    break;
                case "vpcSecurityGroupIds":
                    await ec2.send(
                        new ModifyInstanceAttributeCommand({ InstanceId: id, Groups: texts(news.vpcSecurityGroupIds) }),
                    );
                    break;
                case "instanceType": {
                    // As the AWS provider: stop, change, start.
                    await stop(ec2, id);
                    await ec2.send(
                        new ModifyInstanceAttributeCommand({
                            InstanceId: id,
                            InstanceType: { Value: text(news.instanceType) },
                        }),
                    );
                    await ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
                    await awaitState(ec2, id, "running");
                    break;
                }
                case "metadataOptions": {
                    const metadata = object(news.metadataOptions);
                    await ec2.send(
                        new ModifyInstanceMetadataOptionsCommand({
                            InstanceId: id,
                            HttpTokens: optionalText(metadata.httpTokens) as "required" | "optional" | undefined,
                            HttpEndpoint: optionalText(metadata.httpEndpoint) as "enabled" | "disabled" | undefined,
                            HttpPutResponseHopLimit: optionalNumber(metadata.httpPutResponseHopLimit),
                        }),
                    );
                    break;
                }
                case "userDataReplaceOnChange":
                    break;
                default:
                    throw new Error(`the simulated EC2 cannot change ${property} of an instance in place`);
            }
        }
    },
    async delete({ ec2 }, id) {
        if (await unlessGone(ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] })))) {
            await awaitState(ec2, id, "terminated");
        }
    },
};

async function findVolume(ec2: EC2Client, id: string): Promise<Volume | undefined> {
    return (await unlessGone(ec2.send(new DescribeVolumesCommand({ VolumeIds: [id] }))))?.Volumes?.[0];
}

function volumeOutputs(volume: Volume, region: string): Properties {
    return {
        arn: arn(region, `volume/${volume.VolumeId}`),
        availabilityZone: volume.AvailabilityZone,
        encrypted: volume.Encrypted,
        iops: volume.Iops,
        kmsKeyId: volume.KmsKeyId,
        size: volume.Size,
        tags: fromTagList(volume.Tags),
        tagsAll: fromTagList(volume.Tags),
        throughput: volume.Throughput,
        type: volume.VolumeType,
    };
}

const volume: Kind = {
    inputs: {
        availabilityZone: true,
        encrypted: true,
        iops: true,
        kmsKeyId: true,
        size: true,
        tags: true,
        throughput: true,
        type: true,
    },
    replaceOn: ["availabilityZone", "encrypted", "kmsKeyId"],
    async create({ ec2, region }, inputs) {
        const made = await ec2.send(
            new CreateVolumeCommand({
                AvailabilityZone: text(inputs.availabilityZone),
                Encrypted: inputs.encrypted === true,
                Iops: optionalNumber(inputs.iops),
                KmsKeyId: optionalText(inputs.kmsKeyId),
                Size: optionalNumber(inputs.size),
                TagSpecifications: tagsOf("volume", inputs.tags),
                Throughput: optionalNumber(inputs.throughput),
                VolumeType: optionalText(inputs.type) as VolumeType | undefined,
            }),
        );
        const id = made.VolumeId ?? "";
        const found = await until(`volume ${id} available`, async () => {
            const volume = await findVolume(ec2, id);
            return volume?.State === "available" ? volume : undefined;
        });
        return { id, outputs: volumeOutputs(found, region) };
    },
    async read({ ec2, region }, id) {
        const found = await findVolume(ec2, id);
        return found ? volumeOutputs(found, region) : undefined;
    },
    async update({ ec2 }, id, olds, news, changed) {
        if (changed.includes("tags")) {
            await retag(ec2, id, olds.tags, news.tags);
        }
        if (changed.some((property) => property !== "tags")) {
            await ec2.send(
                new ModifyVolumeCommand({
                    VolumeId: id,
                    Size: optionalNumber(news.size),
                    Iops: optionalNumber(news.iops),
                    Throughput: optionalNumber(news.throughput),
                    VolumeType: optionalText(news.type) as VolumeType | undefined,
                }),
            );
        }
    },
    async delete({ ec2 }, id) {
        await unlessGone(ec2.send(new DeleteVolumeCommand({ VolumeId: id })));
    },
};

const volumeAttachment: Kind = {
    inputs: {
        deviceName: true,
        forceDetach: true,
        instanceId: true,
        stopInstanceBeforeDetaching: true,
        volumeId: true,
    },
    replaceOn: ["deviceName", "instanceId", "volumeId"],
    async create({ ec2 }, inputs) {
        const id = text(inputs.volumeId);
        await awaitSettled(ec2, text(inputs.instanceId));
        // As the AWS provider: an attachment that is there already is taken over.
        const present = (await findVolume(ec2, id))?.Attachments?.[0];
        if (present?.InstanceId !== inputs.instanceId || present?.Device !== inputs.deviceName) {
            await ec2.send(
                new AttachVolumeCommand({
                    Device: text(inputs.deviceName),
                    InstanceId: text(inputs.instanceId),
                    VolumeId: id,
                }),
            );
        }
        await until(`volume ${id} attached`, async () =>
            (await findVolume(ec2, id))?.Attachments?.[0]?.State === "attached" ? true : undefined,
        );
        return { id: `vai-${id.slice(4)}`, outputs: {} };
    },
    async read({ ec2 }, _id, state) {
        const attachment = (await findVolume(ec2, text(state.volumeId)))?.Attachments?.[0];
        return attachment?.InstanceId === state.instanceId
            ? { deviceName: attachment?.Device, instanceId: attachment?.InstanceId, volumeId: attachment?.VolumeId }
            : undefined;
    },
    // Its options only say how it ends.
    update: async () => {},
    async delete({ ec2 }, _id, state) {
        const id = text(state.volumeId);
        const attached = (await findVolume(ec2, id))?.Attachments?.[0]?.InstanceId;
        if (attached !== state.instanceId) {
            return;
        }
        if (state.stopInstanceBeforeDetaching === true) {
            await stop(ec2, text(state.instanceId));
        }
        await ec2.send(
            new DetachVolumeCommand({
                Device: text(state.deviceName),
                Force: state.forceDetach === true,
                InstanceId: text(state.instanceId),
                VolumeId: id,
            }),
        );
        await until(
            `volume ${id} detached`,
            async () => ((await findVolume(ec2, id))?.State === "available" ? true : undefined),
            300,
        );
    },
};

const rule = {
    cidrBlocks: true,
    description: true,
    fromPort: true,
    ipv6CidrBlocks: true,
    protocol: true,
    securityGroups: true,
    toPort: true,
} as const;

function permissions(rules: Value): IpPermission[] {
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
            UserIdGroupPairs: texts(given.securityGroups).map((GroupId) => ({ GroupId, Description })),
        };
    });
}

/** The rules as the AWS provider reads them: one for each description of a port range. */
function fromPermissions(permissions: IpPermission[] | undefined): Value[] {
    const rules = new Map<string, Properties>();
    for (const permission of permissions ?? []) {
        const all = permission.IpProtocol === "-1";
        const from = all ? 0 : permission.FromPort;
        const to = all ? 0 : permission.ToPort;
        const add = (
            kind: "cidrBlocks" | "ipv6CidrBlocks" | "securityGroups",
            value?: string,
            description?: string,
        ) => {
            const key = `${permission.IpProtocol} ${from} ${to} ${description ?? ""}`;
            const found = rules.get(key) ?? {
                protocol: permission.IpProtocol,
                fromPort: from,
                toPort: to,
                description: description ?? "",
            };
            found[kind] = [...list(found[kind]), value];
            rules.set(key, found);
        };
        for (const range of permission.IpRanges ?? []) {
            add("cidrBlocks", range.CidrIp, range.Description);
        }
        for (const range of permission.Ipv6Ranges ?? []) {
            add("ipv6CidrBlocks", range.CidrIpv6, range.Description);
        }
        for (const pair of permission.UserIdGroupPairs ?? []) {
            add("securityGroups", pair.GroupId, pair.Description);
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
        egress: fromPermissions(group.IpPermissionsEgress),
        ingress: fromPermissions(group.IpPermissions),
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
        await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: permissions(rules) }));
    }
}

async function setEgress(ec2: EC2Client, GroupId: string, rules: Value): Promise<void> {
    // A group that AWS makes lets everything out; the AWS provider takes that away.
    const now = (await findGroup(ec2, GroupId))?.IpPermissionsEgress;
    if (now?.length) {
        await ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: now }));
    }
    if (list(rules).length > 0) {
        await ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId, IpPermissions: permissions(rules) }));
    }
}

const securityGroup: Kind = {
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

const vpc: Kind = {
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

const subnet: Kind = {
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

const internetGateway: Kind = {
    inputs: { tags: true },
    replaceOn: [],
    async create({ ec2, region }, inputs) {
        const made = await ec2.send(
            new CreateInternetGatewayCommand({ TagSpecifications: tagsOf("internet-gateway", inputs.tags) }),
        );
        const id = made.InternetGateway?.InternetGatewayId ?? "";
        return { id, outputs: { arn: arn(region, `internet-gateway/${id}`) } };
    },
    async read({ ec2 }, id) {
        const found = await unlessGone(ec2.send(new DescribeInternetGatewaysCommand({ InternetGatewayIds: [id] })));
        return found?.InternetGateways?.[0] ? { tags: fromTagList(found.InternetGateways[0].Tags) } : undefined;
    },
    async delete({ ec2 }, id) {
        await unlessGone(ec2.send(new DeleteInternetGatewayCommand({ InternetGatewayId: id })));
    },
};

const internetGatewayAttachment: Kind = {
    inputs: { internetGatewayId: true, vpcId: true },
    replaceOn: ["internetGatewayId", "vpcId"],
    async create({ ec2 }, inputs) {
        const [InternetGatewayId, VpcId] = [text(inputs.internetGatewayId), text(inputs.vpcId)];
        await ec2.send(new AttachInternetGatewayCommand({ InternetGatewayId, VpcId }));
        return { id: `${InternetGatewayId}:${VpcId}`, outputs: {} };
    },
    async read({ ec2 }, _id, state) {
        const ids = [text(state.internetGatewayId)];
        const found = await unlessGone(ec2.send(new DescribeInternetGatewaysCommand({ InternetGatewayIds: ids })));
        const attached = found?.InternetGateways?.[0]?.Attachments?.some(({ VpcId }) => VpcId === state.vpcId);
        return attached ? state : undefined;
    },
    async delete({ ec2 }, _id, state) {
        const [InternetGatewayId, VpcId] = [text(state.internetGatewayId), text(state.vpcId)];
        await unlessGone(ec2.send(new DetachInternetGatewayCommand({ InternetGatewayId, VpcId })));
    },
};

async function setRoutes(ec2: EC2Client, RouteTableId: string, routes: Value): Promise<void> {
    const found = await ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [RouteTableId] }));
    for (const { DestinationCidrBlock, GatewayId } of found.RouteTables?.[0]?.Routes ?? []) {
        if (GatewayId !== "local") {
            await ec2.send(new DeleteRouteCommand({ DestinationCidrBlock, RouteTableId }));
        }
    }
    for (const route of list(routes).map(object)) {
        const [DestinationCidrBlock, GatewayId] = [text(route.cidrBlock), text(route.gatewayId)];
        await ec2.send(new CreateRouteCommand({ DestinationCidrBlock, GatewayId, RouteTableId }));
    }
}

/** Not made, but taken over, and left as it is in the end. */
const defaultRouteTable: Kind = {
    inputs: { defaultRouteTableId: true, routes: { cidrBlock: true, gatewayId: true }, tags: true },
    replaceOn: ["defaultRouteTableId"],
    async create({ ec2, region }, inputs) {
        const id = text(inputs.defaultRouteTableId);
        await setRoutes(ec2, id, inputs.routes);
        await retag(ec2, id, null, inputs.tags);
        return { id, outputs: { arn: arn(region, `route-table/${id}`) } };
    },
    async read({ ec2 }, id) {
        const found = await unlessGone(ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [id] })));
        const table = found?.RouteTables?.[0];
        const routes = table?.Routes?.filter(({ GatewayId }) => GatewayId !== "local");
        return (
            table && {
                routes: routes?.map((route) => ({ cidrBlock: route.DestinationCidrBlock, gatewayId: route.GatewayId })),
                tags: fromTagList(table.Tags),
            }
        );
    },
    async update({ ec2 }, id, olds, news) {
        await setRoutes(ec2, id, news.routes);
        await retag(ec2, id, olds.tags, news.tags);
    },
    delete: async () => {},
};

export const ec2Kinds: { readonly [token: string]: Kind } = {
    "aws:ebs/volume:Volume": volume,
    "aws:ec2/defaultRouteTable:DefaultRouteTable": defaultRouteTable,
    "aws:ec2/instance:Instance": instance,
    "aws:ec2/internetGateway:InternetGateway": internetGateway,
    "aws:ec2/internetGatewayAttachment:InternetGatewayAttachment": internetGatewayAttachment,
    "aws:ec2/securityGroup:SecurityGroup": securityGroup,
    "aws:ec2/subnet:Subnet": subnet,
    "aws:ec2/volumeAttachment:VolumeAttachment": volumeAttachment,
    "aws:ec2/vpc:Vpc": vpc,
};
