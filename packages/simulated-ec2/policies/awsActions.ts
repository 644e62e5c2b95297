/**
 * What AWS checks for each call that the project makes: the requests to the policies that a call comes to. For tests.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/
 */

import type { Call } from "../simulation";
import { requestTags, taggedTypes } from "./callParameters";
import { usesOfKeys } from "./keyUses";
import type { Context } from "./policyConditions";
import { isWithoutResources, type Request } from "./policyEvaluator";

/**
 * The kinds of resources that are checked for an action. `KIND`: those that the call names. `KIND/*`: any, because the call
 * makes it or does not name it. `*`: whatever it names.
 */
const checkedKinds: { readonly [action: string]: string } = {
    "ec2:AssociateIamInstanceProfile": "instance",
    "ec2:AttachInternetGateway": "internet-gateway vpc",
    "ec2:AttachVolume": "instance volume",
    "ec2:AuthorizeSecurityGroupEgress": "security-group",
    "ec2:AuthorizeSecurityGroupIngress": "security-group",
    "ec2:CreateInternetGateway": "internet-gateway/*",
    "ec2:CreateRoute": "route-table",
    "ec2:CreateSecurityGroup": "vpc security-group/*",
    "ec2:CreateSubnet": "vpc subnet/*",
    "ec2:CreateTags": "*",
    "ec2:CreateVolume": "volume/*",
    "ec2:CreateVpc": "vpc/*",
    "ec2:DeleteInternetGateway": "internet-gateway",
    "ec2:DeleteRoute": "route-table",
    "ec2:DeleteSecurityGroup": "security-group",
    "ec2:DeleteSubnet": "subnet",
    "ec2:DeleteTags": "*",
    "ec2:DeleteVolume": "volume",
    "ec2:DeleteVpc": "vpc",
    "ec2:DetachInternetGateway": "internet-gateway vpc",
    "ec2:DetachVolume": "instance volume",
    // An association's own id is all that such a call names.
    "ec2:DisassociateIamInstanceProfile": "instance/*",
    "ec2:GetConsoleOutput": "instance",
    "ec2:ModifyInstanceAttribute": "instance security-group",
    "ec2:ModifyInstanceMetadataOptions": "instance",
    "ec2:ModifyNetworkInterfaceAttribute": "network-interface security-group",
    "ec2:ModifySubnetAttribute": "subnet",
    "ec2:ModifyVolume": "volume",
    "ec2:ModifyVpcAttribute": "vpc",
    "ec2:RebootInstances": "instance",
    "ec2:ReplaceIamInstanceProfileAssociation": "instance/*",
    "ec2:RevokeSecurityGroupEgress": "security-group",
    "ec2:RevokeSecurityGroupIngress": "security-group",
    "ec2:RunInstances": "image security-group subnet instance/* network-interface/* volume/*",
    "ec2:StartInstances": "instance",
    "ec2:StopInstances": "instance",
    "ec2:TerminateInstances": "instance",
    "ecr:BatchCheckLayerAvailability": "repository",
    "ecr:BatchDeleteImage": "repository",
    "ecr:BatchGetImage": "repository",
    "ecr:CompleteLayerUpload": "repository",
    "ecr:CreateRepository": "repository",
    "ecr:DeleteRepository": "repository",
    "ecr:DescribeImages": "repository",
    "ecr:DescribeRepositories": "repository",
    "ecr:GetDownloadUrlForLayer": "repository",
    "ecr:GetLifecyclePolicy": "repository",
    "ecr:InitiateLayerUpload": "repository",
    "ecr:ListImages": "repository",
    "ecr:ListTagsForResource": "repository",
    "ecr:PutImage": "repository",
    "ecr:PutImageScanningConfiguration": "repository",
    "ecr:PutImageTagMutability": "repository",
    "ecr:PutLifecyclePolicy": "repository",
    "ecr:TagResource": "repository",
    "ecr:UntagResource": "repository",
    "ecr:UploadLayerPart": "repository",
    "iam:AddRoleToInstanceProfile": "instance-profile",
    "iam:CreateInstanceProfile": "instance-profile",
    "iam:CreateOpenIDConnectProvider": "oidc-provider",
    "iam:CreateRole": "role",
    "iam:DeleteInstanceProfile": "instance-profile",
    "iam:DeleteOpenIDConnectProvider": "oidc-provider",
    "iam:DeleteRole": "role",
    "iam:DeleteRolePolicy": "role",
    "iam:GetInstanceProfile": "instance-profile",
    "iam:GetOpenIDConnectProvider": "oidc-provider",
    "iam:GetRole": "role",
    "iam:GetRolePolicy": "role",
    "iam:ListAttachedRolePolicies": "role",
    "iam:ListInstanceProfilesForRole": "role",
    "iam:ListRolePolicies": "role",
    "iam:PutRolePolicy": "role",
    "iam:RemoveRoleFromInstanceProfile": "instance-profile",
    "iam:TagInstanceProfile": "instance-profile",
    "iam:TagOpenIDConnectProvider": "oidc-provider",
    "iam:TagRole": "role",
    "iam:UntagInstanceProfile": "instance-profile",
    "iam:UntagOpenIDConnectProvider": "oidc-provider",
    "iam:UntagRole": "role",
    "iam:UpdateAssumeRolePolicy": "role",
    "iam:UpdateRole": "role",
    "iam:UpdateRoleDescription": "role",
    "ssm:AddTagsToResource": "parameter",
    "ssm:DeleteParameter": "parameter",
    "ssm:GetParameter": "parameter",
    "ssm:GetParameters": "parameter",
    "ssm:ListTagsForResource": "parameter",
    "ssm:PutParameter": "parameter",
    "ssm:RemoveTagsFromResource": "parameter",
    "sts:AssumeRole": "role",
};

/** Every action that the project makes on resources. */
export const knownActions: readonly string[] = Object.keys(checkedKinds);

/** What tags in a call that makes something need a permission for besides; EC2 has one action for all of its own. */
const taggingActions: { readonly [action: string]: string } = {
    "ecr:CreateRepository": "ecr:TagResource",
    "iam:CreateInstanceProfile": "iam:TagInstanceProfile",
    "iam:CreateOpenIDConnectProvider": "iam:TagOpenIDConnectProvider",
    "iam:CreateRole": "iam:TagRole",
    "ssm:PutParameter": "ssm:AddTagsToResource",
};

/** @throws Error naming an action for which it is not known what AWS checks. */
export function requestsOf(call: Call): Request[] {
    const common = commonContext(call);
    const requests = [
        ...resourcesOf(call).map((resource) => ({
            action: call.action,
            resources: [resource],
            context: { ...resourceTags(call, resource), ...tagContext(call, kindOf(resource)) },
        })),
        ...taggingOf(call),
        ...passingOf(call),
        ...usesOfKeys(call),
    ];
    return requests.map((request) => ({ ...request, context: { ...common, ...request.context } }));
}

function commonContext(call: Call): Context {
    const [, , , , account = ""] = call.principal.split(":");
    const role = /^arn:([a-z-]+):sts::\d+:assumed-role\/([^/]+)\//.exec(call.principal);
    return {
        "aws:PrincipalAccount": account,
        "aws:PrincipalArn": role ? `arn:${role[1]}:iam::${account}:role/${role[2]}` : call.principal,
        "aws:RequestedRegion": call.region,
    };
}

function resourcesOf(call: Call): string[] {
    const { action } = call;
    const kinds = checkedKinds[action];
    if (kinds === undefined) {
        if (isWithoutResources(action)) {
            return ["*"];
        }
        throw new Error(
            `${action}: it is not known what AWS checks for it. Add it to packages/simulated-ec2/policies/awsActions.ts`,
        );
    }
    if (kinds === "*") {
        return call.resources;
    }
    const found = kinds
        .split(" ")
        .flatMap((kind) =>
            kind.endsWith("/*")
                ? [madeArn(call, kind)]
                : call.resources.filter((resource) => kindOf(resource) === kind),
        );
    // A list of everything: it is asked for on any.
    return found.length > 0 ? found : kinds.split(" ").map((kind) => madeArn(call, `${kind}/*`));
}

function madeArn(call: Call, resource: string): string {
    const [service] = call.action.split(":");
    const [, partition, , , account] = call.principal.split(":");
    return `arn:${partition}:${service}:${service === "iam" ? "" : call.region}:${account}:${resource}`;
}

/** `instance` of `arn:aws:ec2:eu-central-1:123456789012:instance/i-0123`. */
function kindOf(resource: string): string {
    return resource.split(":").slice(5).join(":").split("/")[0] ?? "";
}

function resourceTags(call: Call, resource: string): Context {
    const service = call.action.split(":")[0];
    const tags = Object.entries(call.resourceTags?.[resource] ?? {});
    return Object.fromEntries(
        tags.flatMap(([key, value]) => [
            [`aws:ResourceTag/${key}`, value],
            [`${service}:ResourceTag/${key}`, value],
        ]),
    );
}

function tagContext(call: Call, kind: string): Context {
    const tags = Object.entries(requestTags(call, kind));
    return tags.length === 0
        ? {}
        : {
              ...Object.fromEntries(tags.map(([key, value]) => [`aws:RequestTag/${key}`, value])),
              "aws:TagKeys": tags.map(([key]) => key),
          };
}

function taggingOf(call: Call): Request[] {
    const [service, name = ""] = call.action.split(":");
    if (service === "ec2") {
        return taggedTypes(call).map((kind) => ({
            action: "ec2:CreateTags",
            resources: [madeArn(call, `${kind}/*`)],
            context: { "ec2:CreateAction": name, ...tagContext(call, kind) },
        }));
    }
    const action = taggingActions[call.action];
    const context = tagContext(call, "");
    return action && Object.keys(context).length > 0 ? [{ action, resources: resourcesOf(call), context }] : [];
}

/** Giving a role to an instance: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html */
function passingOf(call: Call): Request[] {
    return (call.passedRoles ?? []).map((role) => ({
        action: "iam:PassRole",
        resources: [role],
        context: { "iam:PassedToService": "ec2.amazonaws.com" },
    }));
}
