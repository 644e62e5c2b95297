import type { Call } from "../control";
import { account, arn, call, parameter, role, run } from "./callBench";
import { policiesOfAccount, replay } from "./replay";

const runner = `arn:aws:sts::${account}:assumed-role/runner/i-0a`;
const ci = `arn:aws:sts::${account}:assumed-role/ci/job`;
const provider = `arn:aws:iam::${account}:oidc-provider/token.actions.githubusercontent.com`;

const policy = (...Statement: object[]) => ({ Version: "2012-10-17", Statement });
const allow = (Action: string | string[], Resource: string | string[], Condition?: object) => ({
    Effect: "Allow",
    Action,
    Resource,
    Condition,
});
const trust = (Principal: object, Action = "sts:AssumeRole", Condition?: object) => ({
    Effect: "Allow",
    Action,
    Principal,
    Condition,
});
const ofEc2 = policy(trust({ Service: "ec2.amazonaws.com" }));

const roles = {
    runner: { trust: ofEc2, inline: [policy(allow("ssm:PutParameter", parameter("arm64/keys")))] },
    ci: {
        trust: policy(
            trust({ Federated: provider }, "sts:AssumeRoleWithWebIdentity", {
                StringLike: { "token.actions.githubusercontent.com:sub": "repo:acme/app:*" },
            }),
            trust({ AWS: [role("jenkins"), `arn:aws:iam::${account}:root`] }),
        ),
        inline: [
            policy(
                allow("ec2:StartInstances", arn("ec2", "instance/i-0a")),
                allow(["ec2:DescribeInstances", "ecr:GetAuthorizationToken"], "*"),
                allow("ecr:PutImage", arn("ecr", "repository/app")),
                allow("ssm:GetParameter", parameter("arm64/keys")),
            ),
        ],
    },
    jenkins: { trust: ofEc2, inline: [] },
};
const administratorPolicy = policy(
    allow(["ec2:*", "ssm:Get*", "ssm:PutParameter"], "*"),
    allow(["iam:CreateRole", "iam:PutRolePolicy"], [role("runner"), role("ci")]),
    allow("iam:PassRole", role("runner"), { StringEquals: { "iam:PassedToService": "ec2.amazonaws.com" } }),
);
const { policiesOf, trustOf } = policiesOfAccount(roles, [administratorPolicy]);

const refusedOf = (...calls: Call[]) => replay(calls, policiesOf, trustOf).refused;

describe("replay", () => {
    it("has nothing to say when everybody does what they may", () => {
        const calls = [
            run,
            call("iam:PutRolePolicy", [role("runner")]),
            call("ssm:GetParameter", [
                "arn:aws:ssm:eu-central-1::parameter/aws/service/debian/release/13/latest/arm64",
            ]),
            call("ssm:PutParameter", [parameter("arm64/keys")], { principal: runner }),
            call("ssm:GetParameter", [parameter("arm64/keys")], { principal: ci }),
            call("ec2:DescribeInstances", [arn("ec2", "instance/i-0a")], { principal: ci }),
            call("ec2:StartInstances", [arn("ec2", "instance/i-0a")], { principal: ci, status: 400 }),
            call("ecr:PutImage", [arn("ecr", "repository/app")], { principal: ci, status: 0 }),
            call("sts:GetCallerIdentity", ["*"], { principal: runner }),
        ];
        expect(replay(calls, policiesOf)).toEqual({
            refused: [],
            actions: [
                "ec2:CreateTags",
                "ec2:DescribeInstances",
                "ec2:RunInstances",
                "ec2:StartInstances",
                "ecr:PutImage",
                "iam:PassRole",
                "iam:PutRolePolicy",
                "ssm:GetParameter",
                "ssm:PutParameter",
                "sts:GetCallerIdentity",
            ],
        });
    });

    it("says who called what, and what is not allowed, once", () => {
        const other = call("ssm:PutParameter", [parameter("amd64/keys")], { principal: runner });
        expect(refusedOf(other, { ...other, time: 2 })).toEqual([
            {
                principal: runner,
                call: "ssm:PutParameter",
                action: "ssm:PutParameter",
                resource: parameter("amd64/keys"),
                why: "no statement allows it",
            },
        ]);
    });

    it.each([
        [
            "a runner that starts itself",
            call("ec2:StartInstances", [arn("ec2", "instance/i-0a")], { principal: runner }),
        ],
        ["CI that stops", call("ec2:StopInstances", [arn("ec2", "instance/i-0a")], { principal: ci })],
        ["CI that starts another", call("ec2:StartInstances", [arn("ec2", "instance/i-0b")], { principal: ci })],
        ["CI that deletes images", call("ecr:BatchDeleteImage", [arn("ecr", "repository/app")], { principal: ci })],
        ["a runner that reads keys", call("ssm:GetParameter", [parameter("arm64/keys")], { principal: runner })],
        ["CI that publishes keys", call("ssm:PutParameter", [parameter("arm64/keys")], { principal: ci })],
        ["CI that reads other keys", call("ssm:GetParameter", [parameter("amd64/keys")], { principal: ci })],
        ["a role of another name", call("iam:CreateRole", [role("admin")])],
        [
            "a call that failed",
            call("ec2:StartInstances", [arn("ec2", "instance/i-0b")], { principal: ci, status: 400 }),
        ],
    ])("finds %s", (_what, one) => {
        expect(refusedOf(one)).toHaveLength(1);
    });

    it("finds a principal that it knows no policies of", () => {
        const principal = `arn:aws:iam::${account}:user/stranger`;
        expect(refusedOf(call("ec2:DescribeInstances", ["*"], { principal }))).toEqual([
            expect.objectContaining({ why: `no policies are known of ${principal}` }),
        ]);
    });
});

describe("assuming a role", () => {
    const target = role("ci");
    const token = (sub: string, issuer = "token.actions.githubusercontent.com") =>
        call("sts:AssumeRoleWithWebIdentity", [target], {
            principal: "anonymous",
            identity: {
                provider: `arn:aws:iam::${account}:oidc-provider/${issuer}`,
                issuer,
                claims: { sub, aud: "sts.amazonaws.com" },
            },
        });
    const session = (name: string) => `arn:aws:sts::${account}:assumed-role/${name}/job`;

    it.each<[string, Call, number]>([
        ["a workflow of the repository", token("repo:acme/app:ref:refs/heads/main"), 0],
        ["a workflow of another", token("repo:evil/app:ref:refs/heads/main"), 1],
        ["a token of somebody else's", token("repo:acme/app:ref:refs/heads/main", "evil.example"), 1],
        ["no token", call("sts:AssumeRoleWithWebIdentity", [target], { principal: "anonymous" }), 1],
        ["a principal that is named", call("sts:AssumeRole", [target], { principal: session("jenkins") }), 0],
        // Only its account is named, and nothing of its own allows it.
        ["a runner", call("sts:AssumeRole", [target], { principal: runner }), 1],
        ["a role that nobody knows", call("sts:AssumeRole", [role("gone")], { principal: session("jenkins") }), 1],
    ])("%s", (_what, one, refused) => {
        expect(refusedOf(one)).toHaveLength(refused);
    });
});
