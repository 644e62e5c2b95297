import { differences, type ResourceType, type Work } from "../resource";
import { type Account, command } from "./account";

export interface GroupLeftoversInputs extends Account {
    /** Of the stack's own. */
    securityGroupId: string;
    /** By which an instance that has the group is the stack's own. None in the state of an older version. */
    tags: { [name: string]: string };
    /** Name of the tag by which a volume names its security group. */
    volumeTag: string;
}

/** How long instances may take to terminate. */
const limitSeconds = 300;

/**
 * Stands between a security group and everything that is made in it. So it is deleted after what the state knows, and before
 * the group, which AWS does not delete while an instance has it. What exists then was made by a killed `up`.
 */
export class GroupLeftoversResource implements ResourceType<GroupLeftoversInputs, GroupLeftoversInputs> {
    readonly replacedBy = ["securityGroupId", "region"];
    /** Its instances move from the old group to the new one before. */
    readonly createdFirst = true;

    changes(olds: GroupLeftoversInputs, news: GroupLeftoversInputs): string[] {
        return differences(olds, news, ["securityGroupId", "region", "profile", "tags", "volumeTag"]);
    }

    async create(inputs: GroupLeftoversInputs): Promise<{ id: string; outputs: GroupLeftoversInputs }> {
        return { id: inputs.securityGroupId, outputs: inputs };
    }

    async update(inputs: GroupLeftoversInputs): Promise<GroupLeftoversInputs> {
        return inputs;
    }

    async delete(group: GroupLeftoversInputs, { signal, log, status }: Work): Promise<void> {
        const { GroupCalls } = require("./group") as typeof import("./group");
        const calls = new GroupCalls(group);
        const { own, others } = await calls.instances();
        if (others.length > 0) {
            throw new Error(
                `Security group ${group.securityGroupId} cannot be deleted: ${others.join(", ")} has it too, and is not this ` +
                    "stack's. Give it another security group, then run the same command again",
            );
        }
        if (own.length > 0) {
            log("warning", `${own.join(", ")}: made by an up that was interrupted, and in no state; terminated now`);
            await calls.terminate(own);
            status(`waiting until ${own.join(", ")} has ended`);
            if (!(await calls.haveEnded(own, limitSeconds, signal))) {
                throw new Error(
                    `${own.join(", ")} did not end in ${limitSeconds} s, and the security group cannot be deleted before. ` +
                        "Run the same command again when it says terminated: " +
                        command(`ec2 describe-instances --instance-ids ${own.join(" ")}`, group),
                );
            }
        }
        for (const volume of await calls.deleteVolumes()) {
            log("warning", `${volume}: made by an up that was interrupted, and in no state; deleted now`);
        }
    }
}
