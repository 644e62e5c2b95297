import {
    CreateVolumeCommand,
    DeleteVolumeCommand,
    DescribeVolumesCommand,
    type EC2Client,
    ModifyVolumeCommand,
    type Volume,
    type VolumeType,
} from "@aws-sdk/client-ec2";
import { type Kind, unlessGone, until } from "../kind";
import { fromTagList, optionalNumber, optionalText, type Properties, text } from "../values";
import { arn, retag, tagsOf } from "./ec2Resource";

export async function findVolume(ec2: EC2Client, id: string): Promise<Volume | undefined> {
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

export const volume: Kind = {
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
