import { actionsOf, type Context, evaluate, matches, readConditions } from "../../packages/simulated-ec2";
import { ciOfAcme } from "../../tests/helpers/ciJobs";
import { administratorPolicy } from "./administratorPolicy";
import { trustedIssuers } from "./identityProviders";
import { checkedTrust } from "./trust";

const account = "123456789012";
const arn = (service: string, resource: string, region = "eu-central-1") =>
    `arn:aws:${service}:${region}:${account}:${resource}`;
const instance = arn("ec2", "instance/i-0a");
const repository = arn("ecr", "repository/native-buildx-prod/app");
const role = (name: string) => arn("iam", `role/${name}`, "");
const own = "native-buildx-prod-arm64-0123abc";
const profile = arn("iam", `instance-profile/${own}`, "");
const issuers = trustedIssuers(checkedTrust(ciOfAcme)).map(({ issuer }) => issuer);
const parameter = arn("ssm", "parameter/native-buildx/native-buildx-prod/arm64/keys");
const debian = "arn:aws:ssm:eu-central-1::parameter/aws/service/debian/release/13/latest/arm64";
const key = arn("kms", "key/1234");

interface Needed {
    /** Whose calls they are. */
    readonly by: string;
    readonly resource: string;
    readonly context?: Context;
    /** The setting without which they are not needed, and the statement not either. */
    readonly only?: string;
    readonly actions: readonly string[];
}

const inEc2 = (names: string[]) => names.map((name) => `ec2:${name}`);
const inIam = (names: string[]) => names.map((name) => `iam:${name}`);
const inEcr = (names: string[]) => names.map((name) => `ecr:${name}`);
const inSsm = (names: string[]) => names.map((name) => `ssm:${name}`);
const tagged = inEc2(["CreateTags", "DeleteTags"]);

/**
 * What creates, reads, updates and deletes each kind of resource that the program uses, read in the source of
 * terraform-provider-aws, which is what Pulumi's provider is made of. See docs/aws.md for its versions.
 */
const needed: readonly Needed[] = [
    { by: "the provider's start", resource: "*", actions: ["sts:GetCallerIdentity"] },
    {
        by: "ec2.Instance",
        resource: instance,
        actions: [
            ...inEc2(["RunInstances", "StartInstances", "StopInstances", "TerminateInstances"]),
            ...inEc2(["ModifyInstanceAttribute", "ModifyInstanceMetadataOptions", "ModifyVolume"]),
            // Another security group, another instance profile.
            ...inEc2(["ModifyNetworkInterfaceAttribute", "AssociateIamInstanceProfile"]),
            ...inEc2(["DisassociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"]),
            ...inEc2(["DescribeIamInstanceProfileAssociations", "DescribeImages", "DescribeInstanceAttribute"]),
            ...inEc2(["DescribeInstanceCreditSpecifications", "DescribeInstanceTypes", "DescribeInstances"]),
            ...inEc2(["DescribeTags", "DescribeVolumes", "DescribeVolumesModifications"]),
            ...tagged,
        ],
    },
    {
        by: "ec2.Instance, its role",
        resource: role(own),
        context: { "iam:PassedToService": "ec2.amazonaws.com" },
        actions: ["iam:PassRole"],
    },
    {
        by: "ebs.Volume",
        resource: arn("ec2", "volume/vol-0a"),
        actions: [
            ...inEc2(["CreateVolume", "DescribeVolumes", "DescribeVolumesModifications"]),
            ...inEc2(["ModifyVolume", "DeleteVolume"]),
            ...tagged,
        ],
    },
    {
        by: "ec2.VolumeAttachment",
        resource: arn("ec2", "volume/vol-0a"),
        actions: inEc2(["AttachVolume", "DetachVolume", "DescribeInstances", "DescribeVolumes", "StopInstances"]),
    },
    {
        by: "ec2.SecurityGroup",
        resource: arn("ec2", "security-group/sg-0a"),
        actions: [
            ...inEc2(["CreateSecurityGroup", "DeleteSecurityGroup", "DescribeSecurityGroups"]),
            ...inEc2(["AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress"]),
            ...inEc2(["RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress", "DescribeNetworkInterfaces"]),
            ...tagged,
        ],
    },
    {
        by: "connect that opens the port",
        resource: arn("ec2", "security-group-rule/sgr-0a"),
        actions: inEc2(["AuthorizeSecurityGroupIngress", "DescribeSecurityGroupRules", "CreateTags", "DeleteTags"]),
    },
    {
        by: "ec2.getVpcs, getSubnet, getSubnets, getInstanceTypeOfferings, ebs.getEbsVolumes, getVolume",
        resource: "*",
        actions: [
            ...inEc2(["DescribeVpcs", "DescribeVpcAttribute", "DescribeRouteTables", "DescribeSubnets"]),
            ...inEc2(["DescribeInstanceTypeOfferings", "DescribeVolumes"]),
        ],
    },
    {
        by: "ec2.Vpc and what is in it",
        resource: arn("ec2", "vpc/vpc-0a"),
        only: "OnlyWithVpcNew",
        actions: [
            ...inEc2(["CreateVpc", "DeleteVpc", "ModifyVpcAttribute"]),
            ...inEc2(["CreateSubnet", "DeleteSubnet", "ModifySubnetAttribute"]),
            ...inEc2(["CreateInternetGateway", "DeleteInternetGateway"]),
            ...inEc2(["AttachInternetGateway", "DetachInternetGateway"]),
            // Another target for the same destination replaces the route.
            ...inEc2(["CreateRoute", "ReplaceRoute", "DeleteRoute"]),
        ],
    },
    {
        by: "ec2.Vpc and what is in it, looking",
        resource: "*",
        actions: inEc2(["DescribeAvailabilityZones", "DescribeInternetGateways", "DescribeNetworkAcls"]),
    },
    {
        by: "iam.Role",
        resource: role(own),
        actions: [
            ...inIam(["CreateRole", "GetRole", "UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription"]),
            ...inIam(["ListRolePolicies", "GetRolePolicy", "ListAttachedRolePolicies", "TagRole", "UntagRole"]),
            ...inIam(["ListInstanceProfilesForRole", "DeleteRole"]),
        ],
    },
    {
        by: "iam.RolePolicy",
        resource: role(own),
        actions: inIam(["PutRolePolicy", "GetRolePolicy", "DeleteRolePolicy"]),
    },
    {
        by: "iam.InstanceProfile",
        resource: profile,
        actions: [
            ...inIam(["CreateInstanceProfile", "GetInstanceProfile", "DeleteInstanceProfile"]),
            ...inIam(["AddRoleToInstanceProfile", "RemoveRoleFromInstanceProfile"]),
            ...inIam(["TagInstanceProfile", "UntagInstanceProfile"]),
        ],
    },
    ...issuers.map((issuer) => ({
        by: `iam.OpenIdConnectProvider, ${issuer}`,
        resource: arn("iam", `oidc-provider/${issuer}`, ""),
        only: "OnlyWithIdentityProviders",
        actions: [
            ...inIam(["CreateOpenIDConnectProvider", "GetOpenIDConnectProvider", "DeleteOpenIDConnectProvider"]),
            ...inIam(["AddClientIDToOpenIDConnectProvider", "RemoveClientIDFromOpenIDConnectProvider"]),
            ...inIam(["UpdateOpenIDConnectProviderThumbprint"]),
            ...inIam(["TagOpenIDConnectProvider", "UntagOpenIDConnectProvider"]),
        ],
    })),
    {
        by: "ssm.Parameter",
        resource: parameter,
        actions: [
            ...inSsm(["PutParameter", "GetParameter", "DescribeParameters", "DeleteParameter"]),
            ...inSsm(["AddTagsToResource", "RemoveTagsFromResource", "ListTagsForResource"]),
        ],
    },
    { by: "ssm.getParameter", resource: debian, actions: inSsm(["GetParameter"]) },
    { by: "who looks up Debian's images", resource: debian, actions: inSsm(["GetParameters"]) },
    { by: "who reads the connect script by hand", resource: parameter, actions: inSsm(["GetParameters"]) },
    { by: "who reads a runner's keys", resource: parameter, actions: inSsm(["GetParameter"]) },
    { by: "who reads a runner's console", resource: instance, actions: inEc2(["GetConsoleOutput"]) },
    { by: "waking a runner", resource: instance, actions: inEc2(["DescribeInstances", "StartInstances"]) },
    {
        by: "the stack's repositories",
        resource: repository,
        actions: [
            ...inEcr(["CreateRepository", "DescribeRepositories", "DeleteRepository", "PutImageTagMutability"]),
            ...inEcr(["PutImageScanningConfiguration", "ListTagsForResource", "TagResource", "UntagResource"]),
            ...inEcr(["PutLifecyclePolicy", "GetLifecyclePolicy"]),
        ],
    },
    { by: "the guard of repositories", resource: repository, actions: inEcr(["ListImages"]) },
    { by: "ecr.getAuthorizationToken", resource: "*", actions: inEcr(["GetAuthorizationToken"]) },
    {
        by: "pushing, pulling, and caches",
        resource: repository,
        actions: [
            ...inEcr(["BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"]),
            ...inEcr(["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"]),
        ],
    },
    {
        by: "commands of docs/aws.md and of messages, which only look",
        resource: "*",
        only: "OnlyWithLookUps",
        actions: [
            ...["cloudtrail:LookupEvents", "pricing:GetProducts", "servicequotas:GetServiceQuota"],
            "iam:ListOpenIDConnectProviders",
        ],
    },
    ...["ec2", "ecr", "ssm"].map((service) => ({
        by: `${service}, with the customer's key`,
        resource: key,
        context: { "kms:ViaService": `${service}.eu-central-1.amazonaws.com` },
        only: "OnlyWithKmsKeyArn",
        // https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html
        // https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
        // https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
        actions: {
            ec2: [
                ...["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext"],
                ...["kms:ReEncryptFrom", "kms:ReEncryptTo"],
            ],
            ecr: ["kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"],
            ssm: ["kms:Encrypt", "kms:Decrypt"],
        }[service] as string[],
    })),
];

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
