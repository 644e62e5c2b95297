import type { Call } from "../control";
import { policiesOfAccount, type Refused, replay } from "./replay";

const account = "123456789012";
const administrator = `arn:aws:iam::${account}:user/administrator`;
const runner = `arn:aws:sts::${account}:assumed-role/runner/i-0a`;
const ci = `arn:aws:sts::${account}:assumed-role/ci/job`;
const arn = (service: string, resource: string) => `arn:aws:${service}:eu-central-1:${account}:${resource}`;
const role = (name: string) => `arn:aws:iam::${account}:role/${name}`;
const parameter = (name: string) => arn("ssm", `parameter/app/${name}`);
const key = arn("kms", "key/1234");
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

function call(action: string, resources: string[], more: Partial<Call> = {}): Call {
    return { time: 1, principal: administrator, action, resources, region: "eu-central-1", status: 200, ...more };
}

const refusedOf = (...calls: Call[]) => replay(calls, policiesOf, trustOf).refused;
const brief = (refused: Refused[]) => refused.map(({ action, resource }) => `${action} ${resource}`);

const run = call(
    "ec2:RunInstances",
    ["arn:aws:ec2:eu-central-1::image/ami-0a", arn("ec2", "security-group/sg-0a"), arn("ec2", "subnet/subnet-0a")],
    {
        passedRoles: [role("runner")],
        parameters: {
            "BlockDeviceMapping.1.Ebs.Encrypted": "true",
            "TagSpecification.1.ResourceType": "instance",
            "TagSpecification.1.Tag.1.Key": "app",
            "TagSpecification.1.Tag.1.Value": "prod",
            "TagSpecification.2.ResourceType": "volume",
            "TagSpecification.2.Tag.1.Key": "Name",
            "TagSpecification.2.Tag.1.Value": "prod-arm64",
        },
    },
);

describe("what a call comes to", () => {
    /** What is asked of a principal that may do nothing. */
    const asked = (...calls: Call[]) => brief(replay(calls, () => []).refused);

    it("launching: the instance and all it is made of, its tags, and its role", () => {
        expect(asked(run)).toEqual([
            "ec2:RunInstances arn:aws:ec2:eu-central-1::image/ami-0a",
            `ec2:RunInstances ${arn("ec2", "instance/*")}`,
            `ec2:RunInstances ${arn("ec2", "network-interface/*")}`,
            `ec2:RunInstances ${arn("ec2", "security-group/sg-0a")}`,
            `ec2:RunInstances ${arn("ec2", "subnet/subnet-0a")}`,
            `ec2:RunInstances ${arn("ec2", "volume/*")}`,
            `ec2:CreateTags ${arn("ec2", "instance/*")}`,
            `ec2:CreateTags ${arn("ec2", "volume/*")}`,
            `iam:PassRole ${role("runner")}`,
        ]);
    });

    it.each<[string, Call, string[]]>([
        [
            "tags of a role",
            call("iam:CreateRole", [role("r")], {
                parameters: { "Tags.member.1.Key": "a", "Tags.member.1.Value": "b" },
            }),
            [`iam:CreateRole ${role("r")}`, `iam:TagRole ${role("r")}`],
        ],
        [
            "tags of a parameter",
            call("ssm:PutParameter", [parameter("p")], { parameters: { Tags: [{ Key: "a", Value: "b" }] } }),
            [`ssm:PutParameter ${parameter("p")}`, `ssm:AddTagsToResource ${parameter("p")}`],
        ],
        [
            "no tags",
            call("ssm:PutParameter", [parameter("p")], { parameters: { Tags: [] } }),
            [`ssm:PutParameter ${parameter("p")}`],
        ],
        [
            "a rule with tags of its own",
            call("ec2:AuthorizeSecurityGroupIngress", [arn("ec2", "security-group/sg-0a")], {
                parameters: {
                    "TagSpecification.1.ResourceType": "security-group-rule",
                    "TagSpecification.1.Tag.1.Key": "a",
                    "TagSpecification.1.Tag.1.Value": "b",
                },
            }),
            [
                `ec2:AuthorizeSecurityGroupIngress ${arn("ec2", "security-group/sg-0a")}`,
                `ec2:AuthorizeSecurityGroupIngress ${arn("ec2", "security-group-rule/*")}`,
                `ec2:CreateTags ${arn("ec2", "security-group-rule/*")}`,
            ],
        ],
        [
            "a rule without",
            call("ec2:AuthorizeSecurityGroupIngress", [arn("ec2", "security-group/sg-0a")]),
            [`ec2:AuthorizeSecurityGroupIngress ${arn("ec2", "security-group/sg-0a")}`],
        ],
        [
            "a role in a profile",
            call("iam:AddRoleToInstanceProfile", [role("r"), `arn:aws:iam::${account}:instance-profile/p`], {
                passedRoles: [role("r")],
            }),
            [`iam:AddRoleToInstanceProfile arn:aws:iam::${account}:instance-profile/p`, `iam:PassRole ${role("r")}`],
        ],
        [
            "a parameter under a customer key",
            call("ssm:GetParameter", [parameter("p")], {
                keys: { [parameter("p")]: key },
                parameters: { WithDecryption: true },
            }),
            [`ssm:GetParameter ${parameter("p")}`, `kms:Decrypt ${key}`],
        ],
        [
            "the same, not decrypted",
            call("ssm:GetParameter", [parameter("p")], { keys: { [parameter("p")]: key } }),
            [`ssm:GetParameter ${parameter("p")}`],
        ],
        [
            "starting with a volume under a customer key",
            call("ec2:StartInstances", [arn("ec2", "instance/i-0a")], { keys: { [arn("ec2", "volume/vol-0a")]: key } }),
            [`ec2:StartInstances ${arn("ec2", "instance/i-0a")}`, `kms:CreateGrant ${key}`],
        ],
        [
            "a look at everything",
            call("ec2:DescribeInstances", [arn("ec2", "instance/i-0a")]),
            ["ec2:DescribeInstances *"],
        ],
        [
            "a list without names",
            call("ecr:DescribeRepositories", ["*"]),
            [`ecr:DescribeRepositories ${arn("ecr", "repository/*")}`],
        ],
        [
            "a route: what it leads to is not asked for",
            call("ec2:CreateRoute", [arn("ec2", "route-table/rtb-0a"), arn("ec2", "internet-gateway/igw-0a")]),
            [`ec2:CreateRoute ${arn("ec2", "route-table/rtb-0a")}`],
        ],
    ])("%s", (_what, one, expected) => {
        expect(asked(one)).toEqual(expected);
    });

    it("is asked with tags: those that the resource has, and those that it gets", () => {
        const Condition = { StringEquals: { "aws:ResourceTag/app": "prod" } };
        const tagged = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", Resource: "*", Condition } };
        const instance = arn("ec2", "instance/i-0a");
        const start = call("ec2:StartInstances", [instance]);
        const of = (value: string) => ({ ...start, resourceTags: { [instance]: { app: value } } });
        const refused = (...calls: Call[]) => replay(calls, () => [tagged]).refused.length;
        expect([refused(of("prod")), refused(of("dev")), refused(start)]).toEqual([0, 1, 1]);

        const wanted = { StringEquals: { "aws:RequestTag/app": "prod" }, Null: { "aws:TagKeys": false } };
        const tagging = {
            Version: "2012-10-17",
            Statement: [{ Effect: "Allow", Action: "ec2:CreateTags", Resource: "*", Condition: wanted }],
        };
        expect(
            brief(replay([run], () => [tagging]).refused).filter((line) => line.startsWith("ec2:CreateTags")),
        ).toEqual([`ec2:CreateTags ${arn("ec2", "volume/*")}`]);
    });

    it("is not known for an action that AWS does not have", () => {
        expect(() => refusedOf(call("ec2:CreateInstance", ["*"]))).toThrow(/ec2:CreateInstance/);
    });
});

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
