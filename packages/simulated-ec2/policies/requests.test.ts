import type { Call } from "../control";
import { account, arn, call, parameter, role, run } from "./callBench";
import { replay } from "./replay";
import { requestsOf } from "./requests";

const key = arn("kms", "key/1234");

describe("what a call comes to", () => {
    const asked = (one: Call) => requestsOf(one).map(({ action, resources }) => `${action} ${resources}`);

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
        const untagged = replay([run], () => [tagging]).refused.filter(({ action }) => action === "ec2:CreateTags");
        expect(untagged.map(({ resource }) => resource)).toEqual([arn("ec2", "volume/*")]);
    });

    it("is not known for an action that AWS does not have", () => {
        expect(() => requestsOf(call("ec2:CreateInstance", ["*"]))).toThrow(/ec2:CreateInstance/);
    });
});
