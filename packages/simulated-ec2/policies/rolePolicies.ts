import {
    GetRoleCommand,
    GetRolePolicyCommand,
    IAMClient,
    ListRolePoliciesCommand,
    ListRolesCommand,
} from "@aws-sdk/client-iam";
import type { Simulation } from "../simulation";

/** A role's policies. */
export interface RolePolicies {
    trust: unknown;
    inline: unknown[];
}

/** The policies of all roles in the simulated account, by the role's name. Roles go with their stack: fetch them before. */
export async function rolePolicies(simulation: Simulation): Promise<{ [role: string]: RolePolicies }> {
    const iam = new IAMClient(simulation.client);
    const document = (text?: string): unknown => JSON.parse(decodeURIComponent(text ?? "{}"));
    const found: { [role: string]: RolePolicies } = {};
    for (const { RoleName } of (await iam.send(new ListRolesCommand({}))).Roles ?? []) {
        const name = RoleName ?? "";
        const role = await iam.send(new GetRoleCommand({ RoleName: name }));
        const inline: unknown[] = [];
        for (const PolicyName of (await iam.send(new ListRolePoliciesCommand({ RoleName: name }))).PolicyNames ?? []) {
            const policy = await iam.send(new GetRolePolicyCommand({ PolicyName, RoleName: name }));
            inline.push(document(policy.PolicyDocument));
        }
        found[name] = { trust: document(role.Role?.AssumeRolePolicyDocument), inline };
    }
    return found;
}
