/**
 * What AWS checks for a call: the requests to the policies that it comes to. For tests.
 */

import type { Call } from "../control";
import { requestTags, taggedTypes } from "./callParameters";
import { usesOfKeys } from "./keyUses";
import type { Context } from "./policyConditions";
import type { Request } from "./policyEvaluator";
import { actionOf } from "./reference";

/** Kinds of resources that a call makes though the reference has them as optional: instances here have an EBS root. */
const alsoMade: { readonly [action: string]: readonly string[] } = { "ec2:RunInstances": ["volume"] };

/** What tags in a call that makes something need a permission for besides; EC2 has one action for all of its own. */
const taggingActions: { readonly [action: string]: string } = {
    "ecr:CreateRepository": "ecr:TagResource",
    "iam:CreateInstanceProfile": "iam:TagInstanceProfile",
    "iam:CreateOpenIDConnectProvider": "iam:TagOpenIDConnectProvider",
    "iam:CreateRole": "iam:TagRole",
    "ssm:PutParameter": "ssm:AddTagsToResource",
};

/** @throws Error naming an action that AWS does not have */
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

/**
 * Of each kind that the action is about: the resources that the call names, or any of the kind, where there has to be one
 * that the call makes or does not name.
 */
function resourcesOf(call: Call): string[] {
    const action = actionOf(call.action);
    if (action === undefined) {
        throw new Error(`${call.action}: AWS has no such action`);
    }
    const tagged = taggedTypes(call);
    const found = action.resourceTypes.flatMap(({ name, required }) => {
        const named = call.resources.filter((resource) => kindOf(resource) === name);
        // Of what is optional, policies are asked about what the call gives tags to.
        const isMade = required || alsoMade[call.action]?.includes(name) || tagged.includes(name);
        return named.length === 0 && isMade ? [madeArn(call, `${name}/*`)] : named;
    });
    return found.length > 0 ? found : ["*"];
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
