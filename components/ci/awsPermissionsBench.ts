import type { Context } from "../../packages/simulated-ec2";
import { ciOfAcme } from "../../tests/helpers/ciJobs";
import { trustedIssuers } from "./identityProviders";
import { checkedTrust } from "./trust";

const account = "123456789012";
export const arn = (service: string, resource: string, region = "eu-central-1") =>
    `arn:aws:${service}:${region}:${account}:${resource}`;
export const instance = arn("ec2", "instance/i-0a");
export const repository = arn("ecr", "repository/native-buildx-prod/app");
export const role = (name: string) => arn("iam", `role/${name}`, "");
export const own = "native-buildx-prod-arm64-0123abc";
const profile = arn("iam", `instance-profile/${own}`, "");
const issuers = [...new Set(trustedIssuers(checkedTrust(ciOfAcme)).map(({ issuer }) => issuer))];
const parameter = arn("ssm", "parameter/native-buildx/native-buildx-prod/arm64/keys");
export const debian = "arn:aws:ssm:eu-central-1::parameter/aws/service/debian/release/13/latest/arm64";
export const key = arn("kms", "key/1234");

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
export const needed: readonly Needed[] = [
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
    {
        by: "the claim on the stack's name",
        resource: arn("ssm", "parameter/native-buildx/stack-names/native-buildx-prod"),
        actions: inSsm(["PutParameter", "GetParameter", "DeleteParameter", "AddTagsToResource"]),
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
