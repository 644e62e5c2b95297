import * as pulumi from "@pulumi/pulumi";
import type { GroupLeftoversInputs } from "../../../provider/aws/groupLeftovers";
import type { Inputs } from "../../image/inputs";

/** Whoever needs the security group takes its id from here: see provider/aws/groupLeftovers.ts. */
export class GroupLeftovers extends pulumi.CustomResource {
    declare readonly securityGroupId: pulumi.Output<string>;

    constructor(name: string, args: Inputs<GroupLeftoversInputs>, opts?: pulumi.CustomResourceOptions) {
        super("native-buildx:index:GroupLeftovers", name, args, opts);
    }
}
