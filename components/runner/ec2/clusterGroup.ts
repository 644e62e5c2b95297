import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { clusterPorts } from "./clusterPorts";
import { makeSecurityGroup, type SecurityGroupArgs } from "./securityGroup";

/**
 * The security group of a compile cluster, whose nodes reach one another and are reached by nobody else: icecream asks nobody
 * who he is. It is one of its own, so that whoever changes who may connect to BuildKit opens nothing here.
 */
export function makeClusterGroup(
    name: string,
    args: Pick<SecurityGroupArgs, "vpcId" | "tags">,
    parent: pulumi.Resource,
): aws.ec2.SecurityGroup {
    const group = {
        description: "native-buildx compile cluster: icecream between the runners of a stack",
        ingress: Object.entries(clusterPorts).map(([what, port]) => ({
            description: `icecream: ${what}`,
            protocol: "tcp",
            fromPort: port,
            toPort: port,
            self: true,
        })),
    };
    return makeSecurityGroup(name, { ...args, ...group }, { parent });
}
