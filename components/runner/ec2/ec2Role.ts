import * as ec2 from "@pulumi/aws/ec2";
import * as iam from "@pulumi/aws/iam";
import * as ssm from "@pulumi/aws/ssm";
import * as pulumi from "@pulumi/pulumi";
import { accountName } from "../../account/accountNames";
import { removesLeftover, removesRole } from "../../account/leftovers";
import { runnerPolicy, runnerTrustPolicy } from "./policies";

export interface RunnerRoleArgs {
    /** What the role is for, in a few words. */
    description: string;
    /** The parameters that its instances may write. */
    parameters: ssm.Parameter[];
    /** What its instances may read. @default nothing */
    readable?: ssm.Parameter[];
    /** The security group whose rules connect writes. @default none */
    callersGroup?: ec2.SecurityGroup;
    kmsKeyArn?: string;
    tags?: { [name: string]: string };
}

export interface RunnerRole {
    role: iam.Role;
    profile: iam.InstanceProfile;
    /** What a booting runner writes, and its permission to. */
    neededAtBoot: pulumi.Resource[];
}

/** The role of a runner's instances: it may write their keys' parameters, close the port to callers, read what it has to, and nothing else. */
export function makeRole(name: string, args: RunnerRoleArgs, parent: pulumi.Resource): RunnerRole {
    const { description, parameters, readable = [], callersGroup, kmsKeyArn, tags } = args;
    const roleName = accountName(name);
    const role = new iam.Role(
        name,
        { name: roleName, description, assumeRolePolicy: runnerTrustPolicy, tags },
        { parent, hooks: { onError: [removesRole(roleName)] } },
    );
    const policy = new iam.RolePolicy(
        name,
        {
            // A name of its own: an `up` after a killed one writes the same policy again.
            name: "own-parameters",
            role: role.name,
            policy: pulumi
                .all([arnsOf(parameters), callersGroup?.arn, arnsOf(readable)])
                .apply(([arns, groupArn, readableArns]) =>
                    JSON.stringify(runnerPolicy(arns, kmsKeyArn, groupArn, readableArns)),
                ),
        },
        { parent },
    );
    const profile = new iam.InstanceProfile(
        name,
        { name: roleName, role: role.name, tags },
        { parent, hooks: { onError: [removesProfile(roleName)] } },
    );
    return { role, profile, neededAtBoot: [policy, ...parameters, ...readable] };
}

function arnsOf(parameters: ssm.Parameter[]): pulumi.Output<string[]> {
    return pulumi.all(parameters.map((parameter) => parameter.arn));
}

/** AWS does not delete a profile that has a role of another name. */
function removesProfile(name: string): pulumi.ErrorHook {
    return removesLeftover(`Instance profile ${name}`, ["EntityAlreadyExists"], async (runAws) => {
        const words = ["--instance-profile-name", name];
        await runAws("iam", "remove-role-from-instance-profile", ...words, "--role-name", name).catch(() => undefined);
        await runAws("iam", "delete-instance-profile", ...words);
    });
}
