import {
    type EbsBlockDevice,
    type EC2Client,
    type Instance,
    ModifyInstanceAttributeCommand,
    ModifyInstanceMetadataOptionsCommand,
    RunInstancesCommand,
    StartInstancesCommand,
    TerminateInstancesCommand,
    type VolumeType,
} from "@aws-sdk/client-ec2";
import { type Kind, unlessGone } from "../kind";
import { fromTagList, object, optionalNumber, optionalText, type Properties, text, texts } from "../values";
import { arn, retag, tagsOf } from "./ec2Resource";
import { awaitState, findInstance, stop } from "./instanceState";
import { findVolume } from "./volume";

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

function rootVolume(root: Properties): EbsBlockDevice {
    return {
        DeleteOnTermination: root.deleteOnTermination !== false,
        Encrypted: root.encrypted === true,
        KmsKeyId: optionalText(root.kmsKeyId),
        VolumeSize: optionalNumber(root.volumeSize) ?? 8,
        VolumeType: optionalText(root.volumeType) as VolumeType | undefined,
    };
}

export const instance: Kind = {
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
                    ? [{ DeviceName: "/dev/xvda", Ebs: rootVolume(root) }]
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
