import { actionsOf, type Context, evaluate, matches, readConditions } from "../../packages/simulated-ec2";
import { administratorPolicy } from "./administratorPolicy";
import { arn, debian, instance, key, needed, own, repository, role } from "./awsPermissionsBench";

interface Statement {
    Sid: string;
    Action: string | string[];
    Condition?: unknown;
}

describe("docs/aws-permissions.json", () => {
    const policy = administratorPolicy();
    const asked = (action: string, resource: string, context: Context = {}) =>
        evaluate([policy], { action, resources: [resource], context });
    const statements = (policy as { Statement: Statement[] }).Statement;
    const calls = needed.flatMap(({ actions, ...rest }) => actions.map((action) => ({ ...rest, action })));

    it.each(calls.map((call) => [call.by, call.action, call] as const))("%s: %s", (_by, action, call) => {
        expect(asked(action, call.resource, call.context).outcome).toBe("allowed");
    });

    it("says of a statement that it can be left out exactly where everything else works without", () => {
        for (const { by, action, resource, context, only } of calls) {
            const others = {
                ...(policy as object),
                Statement: statements.filter(({ Sid }) => !Sid.startsWith("Only")),
            };
            const { outcome } = evaluate([others], { action, resources: [resource], context });
            expect(`${by}: ${action} ${outcome}`).toBe(`${by}: ${action} ${only ? "implicit deny" : "allowed"}`);
            if (only) {
                expect(asked(action, resource, context).sids).toEqual([only]);
            }
        }
    });

    it("allows nothing that nobody needs", () => {
        for (const { Sid, Action, Condition } of statements) {
            for (const pattern of [Action].flat()) {
                const users = calls.filter(
                    ({ action, context = {} }) =>
                        matches(pattern, action, true) &&
                        readConditions(Condition, Sid).every((condition) => condition.holds(context)),
                );
                expect(`${Sid} ${pattern}: ${users.length > 0 ? "needed" : "by nobody"}`).toBe(
                    `${Sid} ${pattern}: needed`,
                );
            }
        }
    });

    it("names no action that AWS does not have", () => {
        const known = new Set(
            ["ec2", "ecr", "iam", "kms", "ssm", "sts", "cloudtrail", "pricing", "servicequotas"].flatMap(actionsOf),
        );
        expect(calls.map(({ action }) => action).filter((action) => !known.has(action))).toEqual([]);
        const patterns = statements.flatMap(({ Action }) => [Action].flat());
        expect(patterns.filter((pattern) => ![...known].some((action) => matches(pattern, action, true)))).toEqual([]);
    });

    it.each([
        ["iam:CreateRole", role("admin")],
        ["iam:PutRolePolicy", role("admin")],
        ["iam:DeleteRole", role("admin")],
        ["iam:UpdateAssumeRolePolicy", role("admin")],
        ["iam:AttachRolePolicy", role(own)],
        ["iam:CreateUser", arn("iam", `user/${own}`, "")],
        ["iam:AddRoleToInstanceProfile", arn("iam", "instance-profile/admin", "")],
        ["iam:CreateOpenIDConnectProvider", arn("iam", "oidc-provider/evil.example", "")],
        ["iam:CreateOpenIDConnectProvider", arn("iam", "oidc-provider/evil.example/oidc.circleci.com/org/x", "")],
        ["ssm:GetParameter", arn("ssm", "parameter/database/password")],
        ["ssm:PutParameter", arn("ssm", "parameter/native-buildx-other/key")],
        ["ssm:PutParameter", debian],
        ["ssm:GetParameter", "arn:aws:ssm:eu-central-1::parameter/aws/service/other"],
        ["ssm:SendCommand", instance],
        ["ec2:CreateSnapshot", arn("ec2", "volume/vol-0a")],
        ["ec2:GetPasswordData", instance],
        ["ecr:BatchDeleteImage", repository],
        ["ecr:SetRepositoryPolicy", repository],
        ["kms:Decrypt", key],
        ["kms:CreateGrant", key],
        ["kms:PutKeyPolicy", key],
        ["s3:GetObject", "arn:aws:s3:::bucket/key"],
    ])("does not allow %s on %s", (action, resource) => {
        expect(asked(action, resource).outcome).toBe("implicit deny");
    });

    it("gives the project's roles to EC2, no other role, and to no other service", () => {
        const passed = (name: string, service?: string) =>
            asked("iam:PassRole", role(name), service ? { "iam:PassedToService": service } : {}).outcome;
        expect(passed(own, "ec2.amazonaws.com")).toBe("allowed");
        expect(passed(own, "lambda.amazonaws.com")).toBe("implicit deny");
        expect(passed(own)).toBe("implicit deny");
        expect(passed("admin", "ec2.amazonaws.com")).toBe("implicit deny");
    });

    it("uses keys through the services that the project stores things in, and no other", () => {
        const used = (action: string, service: string) =>
            asked(action, key, { "kms:ViaService": `${service}.eu-central-1.amazonaws.com` }).outcome;
        expect(used("kms:Decrypt", "secretsmanager")).toBe("implicit deny");
        expect(used("kms:PutKeyPolicy", "ssm")).toBe("implicit deny");
    });
});
