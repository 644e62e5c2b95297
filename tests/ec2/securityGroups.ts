import {
    DescribeSecurityGroupRulesCommand,
    DescribeSecurityGroupsCommand,
    type SecurityGroupRule,
} from "@aws-sdk/client-ec2";
import type { Simulation } from "../../packages/simulated-ec2";

/** The ids of a stack's security groups: that of setting allowedCidrs, and that whose rules connect writes. */
export async function groupsOf(simulation: Simulation, stackName: string): Promise<{ fixed: string; callers: string }> {
    const idOf = async (name: string) => {
        const Filters = [{ Name: "group-name", Values: [name] }];
        const { SecurityGroups } = await simulation.ec2.send(new DescribeSecurityGroupsCommand({ Filters }));
        return SecurityGroups?.[0]?.GroupId ?? "";
    };
    const fixed = `${stackName}-${stackName}-network`;
    return { fixed: await idOf(fixed), callers: await idOf(`${fixed}-callers`) };
}

/** What a security group lets in. */
export async function rulesOf(simulation: Simulation, group: string): Promise<SecurityGroupRule[]> {
    const Filters = [{ Name: "group-id", Values: [group] }];
    const { SecurityGroupRules } = await simulation.ec2.send(new DescribeSecurityGroupRulesCommand({ Filters }));
    return (SecurityGroupRules ?? []).filter(({ IsEgress }) => !IsEgress);
}
