/** Replays the calls that the simulated EC2 has recorded against the policies of whoever made them. For tests. */
import type { Call } from "../control";
import { identityContext } from "./identityContext";
import { type Decision, evaluate, evaluateTrust, type Principal, type Request } from "./policyEvaluator";
import { requestsOf } from "./requests";
import type { RolePolicies } from "./rolePolicies";

/** A call that the policies would not have allowed, or something that AWS checks for it. */
export interface Refused {
    principal: string;
    /** What was called. */
    call: string;
    /** What is not allowed: the same, or what AWS asks a permission for besides. */
    action: string;
    resource: string;
    why: string;
}

export interface Replayed {
    /** Each once, however often it was called. */
    refused: Refused[];
    /** Everything that was asked of the policies, sorted. */
    actions: string[];
}

/** The policy documents of a principal; undefined: it is not known. */
export type PoliciesOf = (principal: string) => readonly unknown[] | undefined;
/** The trust policy of a role; undefined: it is not known. */
export type TrustOf = (roleArn: string) => unknown;

/**
 * Calls that failed count too: AWS asks the policies first. Leave out those that were made to be refused.
 *
 * @param trustOf needed for calls that assume a role
 * @throws Error naming an action, or an element of a policy, that is not handled
 */
export function replay(calls: readonly Call[], policiesOf: PoliciesOf, trustOf: TrustOf = () => undefined): Replayed {
    const actions = new Set<string>();
    const refused = new Map<string, Refused>();
    const seen = new Set<string>();
    for (const call of calls) {
        for (const { request, decide } of questionsOf(call, policiesOf, trustOf)) {
            actions.add(request.action);
            const question = JSON.stringify([call.principal, call.action, request]);
            if (seen.has(question)) {
                continue;
            }
            seen.add(question);
            const decision = decide();
            if (typeof decision === "string" || decision.outcome !== "allowed") {
                const { principal, action: called } = call;
                const [resource = "*"] = request.resources;
                const why = typeof decision === "string" ? decision : reason(decision);
                refused.set(question, { principal, call: called, action: request.action, resource, why });
            }
        }
    }
    return { refused: [...refused.values()], actions: [...actions].sort() };
}

interface Question {
    request: Request;
    /** A string says why there is no decision. */
    decide(): Decision | string;
}

function questionsOf(call: Call, policiesOf: PoliciesOf, trustOf: TrustOf): Question[] {
    const ofPolicies = (request: Request) => () => {
        const policies = policiesOf(call.principal);
        return policies ? evaluate(policies, request) : `no policies are known of ${call.principal}`;
    };
    if (/^sts:AssumeRole/.test(call.action)) {
        const request = {
            action: call.action,
            resources: call.resources,
            context: call.identity ? identityContext(call.identity) : {},
        };
        return [{ request, decide: () => assume(call, request, ofPolicies(request), trustOf) }];
    }
    return requestsOf(call).map((request) => ({ request, decide: ofPolicies(request) }));
}

/** The role's trust policy decides, and where it leaves that to the principal's account, its own policies do. */
function assume(
    call: Call,
    request: Request,
    ofPolicies: () => Decision | string,
    trustOf: TrustOf,
): Decision | string {
    const [role = ""] = call.resources;
    const trust = trustOf(role);
    if (trust === undefined) {
        return `no trust policy is known of ${role}`;
    }
    const principal: Principal = call.action.endsWith("WithWebIdentity")
        ? { Federated: call.identity?.provider ?? "" }
        : { AWS: call.principal };
    const decision = evaluateTrust(trust, role, { action: call.action, principal, context: request.context });
    return decision.outcome === "delegated" ? ofPolicies() : decision;
}

function reason({ outcome, sids }: Decision): string {
    return outcome === "explicit deny" ? `denied by ${sids.join(", ")}` : "no statement allows it";
}

/**
 * Who has which policies in an account: its administrator these, a role its own.
 *
 * @param administrator the policies of the person whose key the simulation's environment has
 */
export function policiesOfAccount(
    roles: { [role: string]: RolePolicies },
    administrator: readonly unknown[],
): { policiesOf: PoliciesOf; trustOf: TrustOf } {
    return {
        policiesOf: (principal) => {
            if (/^arn:[a-z-]+:iam::\d+:user\/administrator$/.test(principal)) {
                return administrator;
            }
            const role = /^arn:[a-z-]+:sts::\d+:assumed-role\/([^/]+)\//.exec(principal)?.[1];
            return role === undefined ? undefined : roles[role]?.inline;
        },
        trustOf: (roleArn) => roles[roleArn.split("/").at(-1) ?? ""]?.trust,
    };
}
