import { evaluate, evaluateTrust, type Principal, type Request } from "./policyEvaluator";

const instance = (id: string) => `arn:aws:ec2:eu-central-1:123456789012:instance/${id}`;
const parameter = (name: string) => `arn:aws:ssm:eu-central-1:123456789012:parameter/${name}`;

function policy(...statements: object[]): object {
    return { Version: "2012-10-17", Statement: statements };
}

const allow = (more: object) => ({ Sid: "It", Effect: "Allow", Action: "*", Resource: "*", ...more });

function outcome(statements: object[], request: Partial<Request>) {
    return evaluate([policy(...statements)], { action: "ec2:StartInstances", resources: [instance("i-1")], ...request })
        .outcome;
}

describe("actions", () => {
    it.each([
        [{ Action: "ec2:StartInstances" }, "ec2:StartInstances", "allowed"],
        [{ Action: "EC2:startinstances" }, "ec2:StartInstances", "allowed"],
        [{ Action: ["ec2:StopInstances", "ec2:StartInstances"] }, "ec2:StartInstances", "allowed"],
        [{ Action: "ec2:Start*" }, "ec2:StartInstances", "allowed"],
        [{ Action: "ec2:St??tInstances" }, "ec2:StartInstances", "allowed"],
        [{ Action: "ec2:St?tInstances" }, "ec2:StartInstances", "implicit deny"],
        [{ Action: "*" }, "ec2:StartInstances", "allowed"],
        [{ Action: "ec2:Start" }, "ec2:StartInstances", "implicit deny"],
        [{ Action: "ecr:*" }, "ec2:StartInstances", "implicit deny"],
        [{ Action: undefined, NotAction: "ec2:StopInstances" }, "ec2:StartInstances", "allowed"],
        [{ Action: undefined, NotAction: ["ec2:Start*"] }, "ec2:StartInstances", "implicit deny"],
    ])("%j: %s is %s", (element, action, expected) => {
        expect(outcome([allow(element)], { action })).toBe(expected);
    });

    it("needs no permission to ask who it is", () => {
        expect(evaluate([], { action: "sts:GetCallerIdentity", resources: ["*"] }).outcome).toBe("allowed");
    });
});

describe("resources", () => {
    it.each([
        ["*", instance("i-1"), "allowed"],
        [instance("i-1"), instance("i-1"), "allowed"],
        [instance("i-1"), instance("i-2"), "implicit deny"],
        [instance("i-1"), instance("i-11"), "implicit deny"],
        [instance("I-1"), instance("i-1"), "implicit deny"],
        [instance("*"), instance("i-1"), "allowed"],
        [instance("i-?"), instance("i-1"), "allowed"],
        [instance("i-?"), instance("i-12"), "implicit deny"],
        ["arn:aws:ec2:*:*:instance/i-1", instance("i-1"), "allowed"],
        ["arn:aws:ec2:*::instance/i-1", instance("i-1"), "implicit deny"],
        ["arn:aws:ec2:eu-*-1:123456789012:instance/i-1", instance("i-1"), "allowed"],
        // In the middle of a segment a wildcard stays there.
        [
            "arn:aws:ec2:eu-*l-1:123456789012:instance/i-1",
            "arn:aws:ec2:eu-:l-1:123456789012:instance/i-1",
            "implicit deny",
        ],
        ["arn:aws:ec2:eu-central-1:123456789012:inst.nce/i-1", instance("i-1"), "implicit deny"],
    ])("%s: %s is %s", (Resource, resource, expected) => {
        expect(outcome([allow({ Resource })], { resources: [resource] })).toBe(expected);
    });

    it("needs each of them allowed, by whatever statement", () => {
        const one = allow({ Sid: "One", Resource: instance("i-1") });
        const two = allow({ Sid: "Two", Resource: instance("i-2") });
        const request = { action: "ec2:StartInstances", resources: [instance("i-1"), instance("i-2")] };
        expect(evaluate([policy(one)], request)).toEqual({
            outcome: "implicit deny",
            sids: [],
            resource: instance("i-2"),
        });
        expect(evaluate([policy(one), policy(two)], request)).toEqual({ outcome: "allowed", sids: ["One", "Two"] });
    });

    it("knows all but some", () => {
        const statement = allow({ Resource: undefined, NotResource: instance("i-2") });
        expect(outcome([statement], { resources: [instance("i-1")] })).toBe("allowed");
        expect(outcome([statement], { resources: [instance("i-2")] })).toBe("implicit deny");
    });

    it.each(["ec2:DescribeInstances", "ecr:GetAuthorizationToken", "ssm:DescribeParameters"])(
        "%s is about no resource: it is allowed on * or not at all",
        (action) => {
            expect(outcome([allow({ Resource: instance("*") })], { action })).toBe("implicit deny");
            expect(outcome([allow({ Resource: "arn:aws:ec2:*:*:*" })], { action })).toBe("implicit deny");
            expect(outcome([allow({})], { action })).toBe("allowed");
        },
    );
});

describe("denying", () => {
    it("wins, and says which statement it was", () => {
        const deny = { Sid: "Never", Effect: "Deny", Action: "ec2:*", Resource: instance("i-1") };
        const request = { action: "ec2:StartInstances", resources: [instance("i-2"), instance("i-1")] };
        expect(evaluate([policy(allow({}), deny)], request)).toEqual({
            outcome: "explicit deny",
            sids: ["Never"],
            resource: instance("i-1"),
        });
    });

    it("names a statement without Sid by its place", () => {
        const request = { action: "ec2:StartInstances", resources: [instance("i-1")] };
        expect(evaluate([policy(allow({ Sid: undefined }))], request).sids).toEqual(["#1"]);
    });
});

describe("conditions", () => {
    const named = { "aws:ResourceTag/team": "build" };
    it.each([
        [{ StringEquals: { "aws:ResourceTag/team": "build" } }, named, "allowed"],
        [{ StringEquals: { "aws:ResourceTag/team": ["web", "build"] } }, named, "allowed"],
        [{ StringEquals: { "aws:resourcetag/Team": "build" } }, named, "allowed"],
        [{ StringEquals: { "aws:ResourceTag/team": "Build" } }, named, "implicit deny"],
        [{ StringEquals: { "aws:ResourceTag/team": "b*" } }, named, "implicit deny"],
        [{ StringEquals: { "aws:ResourceTag/team": "build" } }, {}, "implicit deny"],
        [{ StringEqualsIfExists: { "aws:ResourceTag/team": "build" } }, {}, "allowed"],
        [{ StringEqualsIfExists: { "aws:ResourceTag/team": "web" } }, named, "implicit deny"],
        [{ StringEqualsIgnoreCase: { "aws:ResourceTag/team": "BUILD" } }, named, "allowed"],
        [{ StringNotEquals: { "aws:ResourceTag/team": ["web", "build"] } }, named, "implicit deny"],
        [{ StringNotEquals: { "aws:ResourceTag/team": "web" } }, named, "allowed"],
        [{ StringNotEquals: { "aws:ResourceTag/team": "web" } }, {}, "allowed"],
        [{ StringNotEqualsIgnoreCase: { "aws:ResourceTag/team": "BUILD" } }, named, "implicit deny"],
        [{ StringLike: { "aws:ResourceTag/team": "b*d" } }, named, "allowed"],
        [{ StringLike: { "aws:ResourceTag/team": "b?d" } }, named, "implicit deny"],
        [{ StringNotLike: { "aws:ResourceTag/team": "b*" } }, named, "implicit deny"],
        [{ ArnLike: { key: "arn:aws:iam::*:role/*" } }, { key: "arn:aws:iam::1:role/a/b" }, "allowed"],
        [{ ArnEquals: { key: "arn:aws:iam::*:role/b" } }, { key: "arn:aws:iam::1:role/a" }, "implicit deny"],
        [{ ArnLike: { key: "arn:aws:*:role/a" } }, { key: "arn:aws:iam::1:role/a" }, "implicit deny"],
        [{ ArnNotLike: { key: "arn:aws:iam::*:role/*" } }, { key: "arn:aws:iam::1:user/a" }, "allowed"],
        [{ Bool: { "kms:GrantIsForAWSResource": "true" } }, { "kms:GrantIsForAWSResource": "true" }, "allowed"],
        [{ Bool: { "kms:GrantIsForAWSResource": true } }, { "kms:GrantIsForAWSResource": "false" }, "implicit deny"],
        [{ Bool: { "kms:GrantIsForAWSResource": "true" } }, {}, "implicit deny"],
        [{ Null: { key: "true" } }, {}, "allowed"],
        [{ Null: { key: "true" } }, { key: "there" }, "implicit deny"],
        [{ Null: { key: "false" } }, { key: "there" }, "allowed"],
        [{ NumericLessThan: { key: "3" } }, { key: "2" }, "allowed"],
        [{ NumericLessThan: { key: "3" } }, { key: "3" }, "implicit deny"],
        [{ NumericLessThan: { key: "3" } }, { key: "none" }, "implicit deny"],
        [{ NumericGreaterThanEquals: { key: 3 } }, { key: "3" }, "allowed"],
        [{ "ForAnyValue:StringEquals": { "aws:TagKeys": ["a", "b"] } }, { "aws:TagKeys": ["b", "c"] }, "allowed"],
        [{ "ForAnyValue:StringEquals": { "aws:TagKeys": "a" } }, { "aws:TagKeys": ["b", "c"] }, "implicit deny"],
        [{ "ForAnyValue:StringEquals": { "aws:TagKeys": "a" } }, {}, "implicit deny"],
        [
            { "ForAllValues:StringEquals": { "aws:TagKeys": ["a", "b"] } },
            { "aws:TagKeys": ["b", "c"] },
            "implicit deny",
        ],
        [{ "ForAllValues:StringEquals": { "aws:TagKeys": ["b", "c"] } }, { "aws:TagKeys": ["b", "c"] }, "allowed"],
        [{ "ForAllValues:StringEquals": { "aws:TagKeys": "a" } }, {}, "allowed"],
        [{ "ForAnyValue:StringNotEquals": { "aws:TagKeys": "b" } }, { "aws:TagKeys": ["b", "c"] }, "allowed"],
        [{ "ForAllValues:StringNotEquals": { "aws:TagKeys": "b" } }, { "aws:TagKeys": ["b", "c"] }, "implicit deny"],
    ])("%j with %j: %s", (Condition, context, expected) => {
        expect(outcome([allow({ Condition })], { context })).toBe(expected);
    });

    it("holds when all of its operators and keys do", () => {
        const Condition = { StringEquals: { a: "1", b: "2" }, StringLike: { c: "3*" } };
        const context = { a: "1", b: "2", c: "33" };
        expect(outcome([allow({ Condition })], { context })).toBe("allowed");
        for (const key of ["a", "b", "c"]) {
            expect(outcome([allow({ Condition })], { context: { ...context, [key]: "4" } })).toBe("implicit deny");
        }
    });

    it("refuses to compare several values as one", () => {
        const Condition = { StringEquals: { "aws:TagKeys": "a" } };
        expect(() => outcome([allow({ Condition })], { context: { "aws:TagKeys": ["a", "b"] } })).toThrow(
            /aws:TagKeys/,
        );
    });

    it("limits what is denied too", () => {
        const deny = { Effect: "Deny", Action: "*", Resource: "*", Condition: { StringEquals: { a: "1" } } };
        expect(outcome([allow({}), deny], { context: { a: "1" } })).toBe("explicit deny");
        expect(outcome([allow({}), deny], { context: { a: "2" } })).toBe("allowed");
    });
});

describe("what is not understood", () => {
    it.each([
        ["an operator", allow({ Condition: { DateLessThan: { a: "1" } } }), /operator DateLessThan/],
        ["a misspelt operator", allow({ Condition: { StringEqual: { a: "1" } } }), /operator StringEqual /],
        ["an operator of Object's", allow({ Condition: { constructor: { a: "1" } } }), /operator constructor/],
        ["an operator's prefix", allow({ Condition: { "ForSome:StringLike": { a: "1" } } }), /ForSome:StringLike/],
        ["IfExists on a set", allow({ Condition: { "ForAnyValue:StringLikeIfExists": { a: "1" } } }), /ForAnyValue/],
        ["a value of Bool", allow({ Condition: { Bool: { a: "yes" } } }), /"yes"/],
        ["a value of Numeric", allow({ Condition: { NumericEquals: { a: "one" } } }), /"one"/],
        ["no value", allow({ Condition: { StringEquals: { a: [] } } }), /no value/],
        ["a variable", allow({ Resource: parameter(["$", "{aws:username}"].join("")) }), /variables/],
        ["a variable in a condition", allow({ Condition: { StringLike: { a: ["$", "{b}"].join("") } } }), /variables/],
        ["an element", allow({ Conditions: {} }), /Conditions/],
        ["a principal", allow({ Principal: "*" }), /Principal/],
        ["an effect", allow({ Effect: "allow" }), /"allow"/],
        ["no action", allow({ Action: undefined }), /Action/],
        ["two elements in one", allow({ NotAction: "a:b" }), /either Action or NotAction/],
        ["no resource", allow({ Resource: undefined }), /Resource/],
        ["an empty list", allow({ Resource: [] }), /Resource/],
        ["an action without service", allow({ Action: "StartInstances" }), /StartInstances/],
        ["any service", allow({ Action: "*:Start*" }), /\*:Start/],
        ["a resource that is no ARN", allow({ Resource: "instance/i-1" }), /instance\/i-1/],
        ["an ARN of any service", allow({ Resource: "arn:aws:*:*:*:*" }), /service spelled out/],
        ["a Sid", allow({ Sid: "a-b" }), /a-b/],
    ])("is refused by name: %s", (_what, statement, message) => {
        expect(() => outcome([statement], {})).toThrow(message);
        // Also where another statement would have decided.
        expect(() => outcome([allow({ Sid: "Other" }), statement], {})).toThrow(message);
    });

    it.each([
        [{ Version: "2008-10-17", Statement: [] }, /2008-10-17/],
        [{ Statement: [] }, /Version/],
        [{ Version: "2012-10-17", Statement: [], Statements: [] }, /Statements/],
        [policy(allow({}), allow({})), /two statements have the Sid It/],
        [[], /no object/],
    ])("is refused by name: the document %j", (document, message) => {
        expect(() => evaluate([document], { action: "a:B", resources: ["*"] })).toThrow(message);
    });

    it.each([
        [{ action: "StartInstances" }, /"StartInstances" is no action/],
        [{ action: "ec2:Start*" }, /is no action/],
        [{ resources: [] }, /no resource/],
        [{ resources: ["i-1"] }, /"i-1" is no resource/],
    ])("is refused by name: the request %j", (request, message) => {
        expect(() => outcome([], request)).toThrow(message);
    });
});

describe("trust", () => {
    const role = "arn:aws:iam::123456789012:role/ci";
    const provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
    const jenkins = "arn:aws:iam::123456789012:role/jenkins";
    const session = "arn:aws:sts::123456789012:assumed-role/jenkins/job-7";
    const user: Principal = { AWS: "arn:aws:iam::123456789012:user/anna" };
    const stranger: Principal = { AWS: "arn:aws:iam::999999999999:role/jenkins" };

    const trusting = (Principal: unknown, more: object = {}) =>
        policy({ Sid: "It", Effect: "Allow", Action: "sts:AssumeRole", Principal, ...more });
    const asked = (document: unknown, principal: Principal, action = "sts:AssumeRole") =>
        evaluateTrust(document, role, { action, principal }).outcome;

    it.each<[unknown, Principal, string]>([
        [{ Service: "ec2.amazonaws.com" }, { Service: "ec2.amazonaws.com" }, "allowed"],
        [{ Service: "ec2.amazonaws.com" }, { Service: "lambda.amazonaws.com" }, "implicit deny"],
        [{ Service: "ec2.amazonaws.com" }, user, "implicit deny"],
        [{ AWS: jenkins }, { AWS: jenkins }, "allowed"],
        [{ AWS: jenkins }, { AWS: session }, "allowed"],
        [{ AWS: session }, { AWS: session }, "allowed"],
        [{ AWS: session }, { AWS: `${session}0` }, "implicit deny"],
        [{ AWS: [jenkins] }, user, "implicit deny"],
        [{ AWS: jenkins }, stranger, "implicit deny"],
        // An account, by its number or its root: whom of its principals it lets, it says itself.
        [{ AWS: "arn:aws:iam::123456789012:root" }, user, "delegated"],
        [{ AWS: "123456789012" }, { AWS: session }, "delegated"],
        [{ AWS: "arn:aws:iam::123456789012:root" }, stranger, "implicit deny"],
        // Both accounts have to allow it.
        [{ AWS: "arn:aws:iam::999999999999:role/jenkins" }, stranger, "delegated"],
        ["*", user, "allowed"],
        ["*", stranger, "delegated"],
        [{ Federated: provider }, { Federated: provider }, "allowed"],
        [{ Federated: provider }, { Federated: `${provider}.example` }, "implicit deny"],
        [{ Federated: provider }, user, "implicit deny"],
    ])("in %j, asked by %j: %s", (principals, asking, expected) => {
        expect(asked(trusting(principals), asking)).toBe(expected);
    });

    it("is for the action it names", () => {
        const document = trusting({ Federated: provider });
        expect(asked(document, { Federated: provider }, "sts:AssumeRoleWithWebIdentity")).toBe("implicit deny");
    });

    it("denies the sessions of a role that it does not want, whatever else it says", () => {
        const deny = { Sid: "Not", Effect: "Deny", Action: "sts:*", Principal: { AWS: jenkins } };
        const document = policy({ Effect: "Allow", Action: "sts:AssumeRole", Principal: "*" }, deny);
        expect(evaluateTrust(document, role, { action: "sts:AssumeRole", principal: { AWS: session } })).toEqual({
            outcome: "explicit deny",
            sids: ["Not"],
        });
    });

    it.each([
        [{ AWS: "arn:aws:iam::123456789012:role/*" }, /takes no part of a name for all/],
        [{ AWS: "jenkins" }, /"jenkins"/],
        [{ CanonicalUser: "x" }, /CanonicalUser/],
        [undefined, /Principal/],
    ])("with the principal %j is refused by name", (principals, message) => {
        expect(() => asked(trusting(principals), user)).toThrow(message);
    });

    it("has no resource", () => {
        expect(() => asked(trusting("*", { Resource: "*" }), user)).toThrow(/Resource/);
    });
});
