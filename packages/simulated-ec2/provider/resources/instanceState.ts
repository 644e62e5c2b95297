import { DescribeInstancesCommand, type EC2Client, type Instance, StopInstancesCommand } from "@aws-sdk/client-ec2";
import { unlessGone, until } from "../kind";

export async function findInstance(ec2: EC2Client, id: string): Promise<Instance | undefined> {
    const found = await unlessGone(ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] })));
    const instance = found?.Reservations?.[0]?.Instances?.[0];
    return instance?.State?.Name === "terminated" ? undefined : instance;
}

export async function awaitState(ec2: EC2Client, id: string, wanted: string): Promise<Instance> {
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
export async function awaitSettled(ec2: EC2Client, id: string): Promise<string | undefined> {
    return until(`instance ${id} settled`, async () => {
        const state = (await findInstance(ec2, id))?.State?.Name ?? "terminated";
        return ["pending", "stopping", "shutting-down"].includes(state) ? undefined : state;
    });
}

export async function stop(ec2: EC2Client, id: string): Promise<void> {
    if ((await awaitSettled(ec2, id)) === "running") {
        await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
        await awaitState(ec2, id, "stopped");
    }
}
