import { AttachVolumeCommand, DetachVolumeCommand } from "@aws-sdk/client-ec2";
import { type Kind, until } from "../kind";
import { text } from "../values";
import { awaitSettled, stop } from "./instanceState";
import { findVolume } from "./volume";

export const volumeAttachment: Kind = {
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
