import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { PolicyStatement } from "../../ci/policyStatement";
import { makeSecurityGroup, type SecurityGroupArgs } from "./securityGroup";

/** Tag of a rule with the id of its security group, by which a policy recognizes the rule. */
const groupTag = "native-buildx:group";
/** Beginning of the tags that name a rule's callers. The value is the end of the caller's time, in seconds since 1970. */
const callerTag = "native-buildx:caller:";

/**
 * The security group of callers who may connect for a time. `openPort.sh` and the runners (`machine/callers.sh`) write its
 * rules. The group of `allowedCidrs` is another, so that Pulumi knows all of its rules and no CI role can change them.
 */
export function makeCallersGroup(
    name: string,
    args: Pick<SecurityGroupArgs, "vpcId" | "tags">,
    parent: pulumi.Resource,
): aws.ec2.SecurityGroup {
    const description = "native-buildx callers: connect opens the BuildKit port to them for a time";
    return makeSecurityGroup(name, { ...args, description }, { parent, ignoreChanges: ["ingress"] });
}

/**
 * What a caller needs to open and close the port for itself. IAM knows no ports and addresses, and looks at a new rule only
 * where it has tags: the runner checks them.
 */
export function callerStatements(groupArn: string): PolicyStatement[] {
    const rules = groupArn.replace(/:security-group\/.*/, ":security-group-rule/*");
    const group = groupArn.replace(/^.*\//, "");
    return [
        { Sid: "OpenPort", Action: ["ec2:AuthorizeSecurityGroupIngress"], Resource: [groupArn, rules] },
        { Sid: "ClosePort", Action: ["ec2:RevokeSecurityGroupIngress"], Resource: [groupArn] },
        // EC2's Describe calls have no resources.
        { Sid: "SeeCallers", Action: ["ec2:DescribeSecurityGroupRules"], Resource: ["*"] },
        {
            Sid: "NameFirstCaller",
            Action: ["ec2:CreateTags"],
            Resource: [rules],
            Condition: {
                StringEquals: {
                    "ec2:CreateAction": "AuthorizeSecurityGroupIngress",
                    [`aws:RequestTag/${groupTag}`]: group,
                },
            },
        },
        {
            Sid: "NameCallers",
            Action: ["ec2:CreateTags", "ec2:DeleteTags"],
            Resource: [rules],
            Condition: {
                StringEquals: { [`aws:ResourceTag/${groupTag}`]: group },
                // DeleteTags without keys deletes all tags, and "for all values" is true of none.
                Null: { "aws:TagKeys": "false" },
                "ForAllValues:StringLike": { "aws:TagKeys": [`${callerTag}*`] },
            },
        },
    ];
}

/** What a runner needs to close its port to callers whose time is over. */
export function closingStatements(groupArn: string): PolicyStatement[] {
    return callerStatements(groupArn).filter(({ Sid }) => ["ClosePort", "SeeCallers"].includes(Sid));
}
