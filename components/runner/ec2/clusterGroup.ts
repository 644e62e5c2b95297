import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { clusterPorts } from "./clusterPorts";
import { removesGroup } from "./groupLeftovers";

export interface ClusterGroupArgs {
    vpcId: pulumi.Input<string>;
    /** @default none */
    tags?: { [name: string]: string };
}

/**
 * The security group of a compile cluster, whose nodes reach one another and are reached by nobody else: icecream asks nobody
 * who he is. It is one of its own, so that whoever changes who may connect to BuildKit opens nothing here.
 */
export function makeClusterGroup(name: string, args: ClusterGroupArgs, parent: pulumi.Resource): aws.ec2.SecurityGroup {
    const groupName = `${pulumi.getProject()}-${pulumi.getStack()}-${name}`;
    return new aws.ec2.SecurityGroup(
        name,
        {
            // Unique in its VPC: see removesGroup.
            name: groupName,
            description: "native-buildx compile cluster: icecream between the runners of a stack",
            vpcId: args.vpcId,
            ingress: Object.entries(clusterPorts).map(([what, port]) => ({
                description: `icecream: ${what}`,
                protocol: "tcp",
                fromPort: port,
                toPort: port,
                self: true,
            })),
            tags: { ...args.tags, Name: name },
        },
        { parent, hooks: { onError: [removesGroup(groupName)] } },
    );
}
