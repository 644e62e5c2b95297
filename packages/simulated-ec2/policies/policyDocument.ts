/**
 * IAM policy documents, read as strictly as IAM takes them: what is not known here is refused by name, so that nothing is
 * allowed because it was not understood. For tests.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
import { type Condition, readConditions } from "./policyConditions";
import { asObject, texts } from "./policyPatterns";

/** Patterns of an `Action` or `Resource` element; `isNot` for `NotAction` and `NotResource`. */
export interface Patterns {
    readonly patterns: readonly string[];
    readonly isNot: boolean;
}

/** Whom a trust policy names. */
export interface Principals {
    readonly AWS: readonly string[];
    readonly Service: readonly string[];
    readonly Federated: readonly string[];
}

export interface Statement {
    /** `Sid`, or the statement's place: `#1`. */
    readonly sid: string;
    readonly effect: "Allow" | "Deny";
    readonly actions: Patterns;
    /** Undefined in trust policies: their resource is the role. */
    readonly resources?: Patterns;
    readonly principals?: Principals;
    readonly conditions: readonly Condition[];
}

export type PolicyKind = "identity" | "trust";

/** @throws Error naming what IAM would refuse, or what is not handled here. */
export function readPolicy(document: unknown, kind: PolicyKind): Statement[] {
    const policy = asObject(document, "a policy");
    refuseOthers(policy, ["Version", "Id", "Statement"], "a policy");
    if (policy.Version !== "2012-10-17") {
        throw new Error(`a policy's Version is ${JSON.stringify(policy.Version)}: only 2012-10-17 is handled`);
    }
    const given = Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement];
    const statements = given.map((statement, index) => readStatement(statement, `#${index + 1}`, kind));
    const twice = statements.find(({ sid }, index) => statements.findIndex((other) => other.sid === sid) !== index);
    if (twice) {
        throw new Error(`two statements have the Sid ${twice.sid}`);
    }
    return statements;
}

function readStatement(given: unknown, place: string, kind: PolicyKind): Statement {
    const statement = asObject(given, `statement ${place}`);
    const { Sid } = statement;
    if (Sid !== undefined && (typeof Sid !== "string" || !/^[A-Za-z0-9]*$/.test(Sid))) {
        throw new Error(`Sid ${JSON.stringify(Sid)}: IAM takes letters and digits only`);
    }
    const sid = Sid ? String(Sid) : place;
    refuseOthers(
        statement,
        [
            ...["Sid", "Effect", "Action", "NotAction", "Condition"],
            ...(kind === "identity" ? ["Resource", "NotResource"] : ["Principal"]),
        ],
        `statement ${sid}`,
    );
    const { Effect } = statement;
    if (Effect !== "Allow" && Effect !== "Deny") {
        throw new Error(`statement ${sid}: Effect is ${JSON.stringify(Effect)}, not Allow or Deny`);
    }
    const actions = readPatterns(statement, "Action", sid);
    actions.patterns.forEach((pattern) => {
        checkAction(pattern, sid);
    });
    const resources = kind === "identity" ? readPatterns(statement, "Resource", sid) : undefined;
    resources?.patterns.forEach((pattern) => {
        checkResource(pattern, sid);
    });
    return {
        sid,
        effect: Effect,
        actions,
        resources,
        principals: kind === "trust" ? readPrincipals(statement.Principal, sid) : undefined,
        conditions: readConditions(statement.Condition, sid),
    };
}

function readPatterns(statement: { [name: string]: unknown }, name: "Action" | "Resource", sid: string): Patterns {
    const isNot = statement[`Not${name}`] !== undefined;
    if (isNot === (statement[name] !== undefined)) {
        throw new Error(`statement ${sid}: either ${name} or Not${name} is needed`);
    }
    return { patterns: texts(isNot ? statement[`Not${name}`] : statement[name], `${name} of statement ${sid}`), isNot };
}

function checkAction(pattern: string, sid: string): void {
    if (pattern !== "*" && !/^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$/.test(pattern)) {
        throw new Error(`statement ${sid}: Action "${pattern}" is not written as service:Action`);
    }
}

function checkResource(pattern: string, sid: string): void {
    if (pattern.includes("${")) {
        throw new Error(`statement ${sid}: Resource "${pattern}": policy variables are not handled`);
    }
    if (pattern !== "*" && !/^arn:[a-z*-]+:[a-z0-9-]+:[^:]*:[^:]*:.+$/.test(pattern)) {
        throw new Error(`statement ${sid}: Resource "${pattern}" is neither * nor an ARN with its service spelled out`);
    }
}

function readPrincipals(given: unknown, sid: string): Principals {
    if (given === "*") {
        return { AWS: ["*"], Service: [], Federated: [] };
    }
    const principals = asObject(given, `Principal of statement ${sid}`);
    refuseOthers(principals, ["AWS", "Service", "Federated"], `Principal of statement ${sid}`);
    const of = (kind: string) =>
        principals[kind] === undefined ? [] : texts(principals[kind], `Principal ${kind} of statement ${sid}`);
    const read = { AWS: of("AWS"), Service: of("Service"), Federated: of("Federated") };
    for (const principal of [...read.AWS.filter((name) => name !== "*"), ...read.Service, ...read.Federated]) {
        if (/[*?$]/.test(principal)) {
            throw new Error(`statement ${sid}: Principal "${principal}": IAM takes no part of a name for all`);
        }
    }
    for (const principal of read.AWS) {
        if (!/^(\*|\d{12}|arn:[a-z-]+:(iam|sts)::\d{12}:(root|(user|role|assumed-role)\/\S+))$/.test(principal)) {
            throw new Error(`statement ${sid}: Principal "${principal}" is no account, user, role or session`);
        }
    }
    return read;
}

function refuseOthers(given: { [name: string]: unknown }, known: string[], what: string): void {
    const others = Object.keys(given).filter((name) => !known.includes(name));
    if (others.length > 0) {
        throw new Error(`${what} has an element that is not known here: ${others.join(", ")}`);
    }
}
