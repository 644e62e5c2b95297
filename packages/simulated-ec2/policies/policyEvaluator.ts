/**
 * Evaluates IAM policies as AWS does, for tests. Hand-written: the library that does it (iam-simulate) is under the AGPL.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import type { Context } from "./policyConditions";
import { type Patterns, readPolicy, type Statement } from "./policyDocument";
import { matches, matchesArn } from "./policyPatterns";
import { actionOf } from "./reference";

export interface Request {
    /** As in `ec2:StartInstances`. */
    readonly action: string;
    /** ARNs, or `*` for an action that is about no resource. Each of them has to be allowed. */
    readonly resources: readonly string[];
    /** Condition keys and their values. @default none */
    readonly context?: Context;
}

export interface Decision {
    /** `delegated`, of trust policies: allowed if the principal's own policies allow it. */
    readonly outcome: "allowed" | "delegated" | "implicit deny" | "explicit deny";
    /** The statements that allowed or denied it: their Sid, or `#` and their place. */
    readonly sids: readonly string[];
    /** The first resource that is not allowed. */
    readonly resource?: string;
}

/** What nobody needs a permission for: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
const withoutPermission = ["sts:GetCallerIdentity"];

/** What a policy allows on an ARN, it does not allow for these. */
function isWithoutResources(action: string): boolean {
    return actionOf(action)?.resourceTypes.length === 0;
}

/**
 * What the policies of a principal together say to a request.
 *
 * @param documents JSON, as the program makes it or a file holds it
 * @throws Error naming what IAM would refuse in a policy, or what is not handled here
 */
export function evaluate(documents: readonly unknown[], request: Request): Decision {
    checkRequest(request);
    // All are read first: what is wrong with a policy is found whether or not it decides.
    const statements = documents.flatMap((document) => readPolicy(document, "identity"));
    if (withoutPermission.some((action) => matches(action, request.action, true))) {
        return { outcome: "allowed", sids: [] };
    }
    const about = statements.filter(
        (statement) => fits(statement.actions, request.action, matchesAction) && meets(statement, request.context),
    );
    const resources = isWithoutResources(request.action) ? ["*"] : request.resources;
    const decisions = resources.map((resource) => decide(about, resource));
    return (
        decisions.find(({ outcome }) => outcome === "explicit deny") ??
        decisions.find(({ outcome }) => outcome === "implicit deny") ?? {
            outcome: "allowed",
            sids: [...new Set(decisions.flatMap(({ sids }) => sids))],
        }
    );
}

function decide(statements: readonly Statement[], resource: string): Decision {
    const about = statements.filter(({ resources }) => resources && fits(resources, resource, matchesArn));
    return { ...outcomeOf(about), resource };
}

/** Of the statements that are about a request: one that denies it wins. */
function outcomeOf(statements: readonly Statement[]): Decision {
    const of = (effect: Statement["effect"]) =>
        statements.filter((statement) => statement.effect === effect).map(({ sid }) => sid);
    if (of("Deny").length > 0) {
        return { outcome: "explicit deny", sids: of("Deny") };
    }
    return { outcome: of("Allow").length > 0 ? "allowed" : "implicit deny", sids: of("Allow") };
}

function checkRequest({ action, resources }: Request): void {
    if (!/^[a-z0-9-]+:[A-Za-z0-9]+$/i.test(action)) {
        throw new Error(`"${action}" is no action`);
    }
    const strange = resources.find((resource) => resource !== "*" && !/^arn:[a-z-]+:[a-z0-9-]+:/.test(resource));
    if (resources.length === 0 || strange !== undefined) {
        throw new Error(`${action}: "${strange ?? ""}" is no resource`);
    }
}

function matchesAction(pattern: string, action: string): boolean {
    return matches(pattern, action, true);
}

function fits(
    { patterns, isNot }: Patterns,
    value: string,
    match: (pattern: string, value: string) => boolean,
): boolean {
    return patterns.some((pattern) => match(pattern, value)) !== isNot;
}

function meets({ conditions }: Statement, context: Context = {}): boolean {
    return conditions.every((condition) => condition.holds(context));
}

/** Who wants to assume a role: a user, role or session by ARN, a service by its name, an identity provider by ARN. */
export type Principal = { readonly AWS: string } | { readonly Service: string } | { readonly Federated: string };

export interface TrustRequest {
    readonly action: string;
    readonly principal: Principal;
    /** @default none */
    readonly context?: Context;
}

/**
 * What a role's trust policy says to somebody who wants to assume it.
 *
 * Naming an account, or its root, is leaving it to that account: `delegated`. So is naming a principal of another account
 * than the role's: both sides have to allow that.
 *
 * @param roleArn the role that has this policy
 * @throws Error naming what IAM would refuse in the policy, or what is not handled here
 */
export function evaluateTrust(document: unknown, roleArn: string, request: TrustRequest): Decision {
    const about = readPolicy(document, "trust").filter(
        (statement) => fits(statement.actions, request.action, matchesAction) && meets(statement, request.context),
    );
    const naming = (names: (statement: Statement) => boolean) => outcomeOf(about.filter(names));
    const { principal } = request;
    if ("Service" in principal) {
        return naming(({ principals }) => principals?.Service.includes(principal.Service) ?? false);
    }
    if ("Federated" in principal) {
        return naming(({ principals }) => principals?.Federated.includes(principal.Federated) ?? false);
    }
    const arns = sameAs(principal.AWS);
    const account = accountOf(principal.AWS);
    const partition = principal.AWS.split(":")[1];
    const accounts = [account, `arn:${partition}:iam::${account}:root`];
    const byAccount = naming(({ principals }) => principals?.AWS.some((name) => accounts.includes(name)) ?? false);
    const byName = naming(({ principals }) => principals?.AWS.some((name) => arns.includes(name)) ?? false);
    const denied = [byAccount, byName].find(({ outcome }) => outcome === "explicit deny");
    if (denied) {
        return denied;
    }
    if (byName.outcome === "allowed") {
        return account === accountOf(roleArn) ? byName : { ...byName, outcome: "delegated" };
    }
    return byAccount.outcome === "allowed" ? { ...byAccount, outcome: "delegated" } : byAccount;
}

/** How a principal can be named without its account: as everybody, by its ARN, a session by its role's too. */
function sameAs(arn: string): string[] {
    const [, partition, account, role] = /^arn:([a-z-]+):sts::(\d{12}):assumed-role\/([^/]+)\//.exec(arn) ?? [];
    return ["*", arn, ...(role === undefined ? [] : [`arn:${partition}:iam::${account}:role/${role}`])];
}

function accountOf(arn: string): string {
    return arn.split(":")[4] ?? "";
}
