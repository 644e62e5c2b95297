import {
    DeleteVolumeCommand,
    DescribeInstancesCommand,
    DescribeVolumesCommand,
    EC2Client,
    TerminateInstancesCommand,
    waitUntilInstanceTerminated,
} from "@aws-sdk/client-ec2";
import { clientSettings } from "./account";
import type { GroupLeftoversInputs } from "./groupLeftovers";

const living = ["pending", "running", "stopping", "stopped", "shutting-down"];

/** Calls to EC2, about what is in one security group. */
export class GroupCalls {
    private readonly client: EC2Client;

    constructor(private readonly group: GroupLeftoversInputs) {
        this.client = new EC2Client(clientSettings(group));
    }

    /** Ids of the instances that have the group: the stack's own, by their tags, and others. */
    async instances(): Promise<{ own: string[]; others: string[] }> {
        const { Reservations = [] } = await this.client.send(
            new DescribeInstancesCommand({
                Filters: [
                    { Name: "instance.group-id", Values: [this.group.securityGroupId] },
                    { Name: "instance-state-name", Values: living },
                ],
            }),
        );
        const found = Reservations.flatMap(({ Instances = [] }) => Instances);
        const wanted = Object.entries(this.group.tags);
        const isOwn = ({ Tags = [] }: (typeof found)[number]) =>
            wanted.length > 0 &&
            wanted.every(([name, value]) => Tags.some(({ Key, Value }) => Key === name && Value === value));
        const idsOf = (instances: typeof found) => instances.map(({ InstanceId = "" }) => InstanceId);
        return { own: idsOf(found.filter(isOwn)), others: idsOf(found.filter((instance) => !isOwn(instance))) };
    }

    async terminate(ids: string[]): Promise<void> {
        await this.client.send(new TerminateInstancesCommand({ InstanceIds: ids }));
    }

    /** Waits. @returns whether they have ended within the limit. @throws where it was canceled */
    async haveEnded(ids: string[], limitSeconds: number, signal: AbortSignal): Promise<boolean> {
        try {
            await waitUntilInstanceTerminated(
                { client: this.client, maxWaitTime: limitSeconds, minDelay: 1, maxDelay: 5, abortSignal: signal },
                { InstanceIds: ids },
            );
            return true;
        } catch {
            if (signal.aborted) {
                throw new Error("canceled");
            }
            return false;
        }
    }

    /** Deletes the volumes that name the group and are attached to nothing. @returns their ids */
    async deleteVolumes(): Promise<string[]> {
        const { securityGroupId, tags, volumeTag } = this.group;
        const wanted = Object.entries({ ...tags, [volumeTag]: securityGroupId });
        const { Volumes = [] } = await this.client.send(
            new DescribeVolumesCommand({
                Filters: [
                    { Name: "status", Values: ["available"] },
                    ...wanted.map(([name, value]) => ({ Name: `tag:${name}`, Values: [value] })),
                ],
            }),
        );
        const ids = Volumes.map(({ VolumeId = "" }) => VolumeId);
        for (const VolumeId of ids) {
            await this.client.send(new DeleteVolumeCommand({ VolumeId }));
        }
        return ids;
    }
}
