import * as iam from "@pulumi/aws/iam";
import * as ssm from "@pulumi/aws/ssm";
import * as pulumi from "@pulumi/pulumi";
import { machineOf, type Platform } from "../../architecture";
import { clusterRecipe } from "../cluster/recipe";
import { makeRecipe, type RecipeParameters, renderRecipe } from "./ec2Recipe";
import type { RunnerRole } from "./ec2Role";
import { clusterPolicy } from "./policies";
import { runnerPaths } from "./runnerPaths";

/** A machine that is a node of a compile cluster. */
export interface ClusterMachine {
    name: string;
    /** Private: it survives a stop. */
    address: pulumi.Output<string>;
}

/** What makes a machine a node of a compile cluster. */
export interface NodeRecipe {
    /** icecream's name of the network: nodes of another network are refused. */
    name: string;
    /** Machines, as QEMU names them, that the nodes are. */
    helpers: readonly string[];
    /** Name of the parameter with the members. */
    membersParameter: string;
    recipe: RecipeParameters;
}

export interface NodeRecipeArgs {
    /** Path of the stack's SSM parameters. */
    path: string;
    /** The platforms that the nodes build natively. */
    platforms: readonly Platform[];
    tags?: { [name: string]: string };
}

/** The same for all nodes. */
export function makeNodeRecipe(name: string, args: NodeRecipeArgs, parent: pulumi.Resource): NodeRecipe {
    const { path, platforms, tags } = args;
    const recipe = {
        path: `${path}/compile-cluster/recipe`,
        description: "what makes a runner a node of the compile cluster",
        script: renderRecipe(runnerPaths.clusterRecipe, clusterRecipe()),
        tags,
    };
    return {
        name: path.replace(/^\//, "").replaceAll(/[^\w-]/g, "-"),
        helpers: platforms.map(machineOf),
        membersParameter: `${path}/compile-cluster/members`,
        recipe: makeRecipe(`${name}-compile-cluster`, recipe, parent),
    };
}

export interface MembersArgs {
    cluster: NodeRecipe;
    /** In the order in which their schedulers are preferred. */
    runners: readonly { runnerName: string; role: RunnerRole; machines: readonly ClusterMachine[] }[];
    tags?: { [name: string]: string };
}

/**
 * Tells the nodes who they are: a parameter with the machines, which is made after them, and permission to read it and the
 * recipe. A node that boots before tries again.
 */
export function makeMembers(name: string, { cluster, runners, tags }: MembersArgs, parent: pulumi.Resource): void {
    const own = runners.flatMap(({ machines }) => machines.slice(0, 1));
    const standIns = runners.flatMap(({ machines }) => machines.slice(1));
    const members = new ssm.Parameter(
        `${name}-compile-cluster-members`,
        {
            name: cluster.membersParameter,
            description: "native-buildx: the nodes of the compile cluster, NAME ADDRESS, in order",
            type: "String",
            value: pulumi
                .all([...own, ...standIns].map(({ name, address }) => pulumi.interpolate`${name} ${address}`))
                .apply((lines) => lines.join(",")),
            overwrite: true,
            tags,
        },
        { parent },
    );
    const readable = pulumi.all([...cluster.recipe.parameters, members].map(({ arn }) => arn));
    for (const { runnerName, role } of runners) {
        new iam.RolePolicy(
            `${name}-${runnerName}-compile-cluster`,
            {
                name: "compile-cluster",
                role: role.role.name,
                policy: readable.apply((arns) => JSON.stringify(clusterPolicy(arns))),
            },
            { parent },
        );
    }
}
