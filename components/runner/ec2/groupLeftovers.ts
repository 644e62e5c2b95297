import * as pulumi from "@pulumi/pulumi";
import type { GroupLeftoversInputs } from "../../../provider/aws/groupLeftovers";
import { filterWords, removesLeftover } from "../../account/leftovers";
import type { Inputs } from "../../image/inputs";

/** Whoever needs the security group takes its id from here: see provider/aws/groupLeftovers.ts. */
export class GroupLeftovers extends pulumi.CustomResource {
    declare readonly securityGroupId: pulumi.Output<string>;

    constructor(name: string, args: Inputs<GroupLeftoversInputs>, opts?: pulumi.CustomResourceOptions) {
        super("native-buildx:index:GroupLeftovers", name, args, opts);
    }
}

/** A group of the same name in its VPC; AWS does not delete a group that an instance has. */
export function removesGroup(groupName: string): pulumi.ErrorHook {
    return removesLeftover(`Security group ${groupName}`, ["InvalidGroup.Duplicate"], async (runAws, { vpcId }) => {
        const filters = filterWords([
            ["vpc-id", String(vpcId)],
            ["group-name", groupName],
        ]);
        const query = ["--query", "SecurityGroups[].GroupId"];
        const id = await runAws("ec2", "describe-security-groups", ...filters, ...query);
        await runAws("ec2", "delete-security-group", "--group-id", id);
    });
}
