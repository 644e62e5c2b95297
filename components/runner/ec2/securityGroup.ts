import * as ec2 from "@pulumi/aws/ec2";
import * as pulumi from "@pulumi/pulumi";
import { removesGroup } from "./groupLeftovers";
import type { Ec2Transforms } from "./transforms";

export interface SecurityGroupArgs extends Pick<ec2.SecurityGroupArgs, "description" | "vpcId" | "ingress" | "egress"> {
    /** @default none */
    tags?: { [name: string]: string };
    /** Changes the group's arguments. @default none */
    transform?: Ec2Transforms["securityGroup"];
}

/** A security group of the stack: another of its name in the VPC is what an `up` that was killed has left, and goes. */
export function makeSecurityGroup(
    name: string,
    { tags, transform, ...args }: SecurityGroupArgs,
    opts: pulumi.CustomResourceOptions,
): ec2.SecurityGroup {
    const groupName = `${pulumi.getProject()}-${pulumi.getStack()}-${name}`;
    // Unique in its VPC: see removesGroup.
    const group = { name: groupName, ...args, tags: { ...tags, Name: name } };
    return new ec2.SecurityGroup(name, transform?.(group, { name }) ?? group, {
        ...opts,
        hooks: { onError: [removesGroup(groupName)] },
    });
}
