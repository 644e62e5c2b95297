import { actionsOf, type Context, evaluate, evaluateTrust, type Principal } from "../../packages/simulated-ec2";
import { clientStatements, runnerPolicy, runnerTrustPolicy } from "../runner/ec2/policies";
import { ciPolicy, ciTrustPolicy } from "./policies";

const account = "123456789012";
const arn = (service: string, resource: string, region = "eu-central-1") =>
    `arn:aws:${service}:${region}:${account}:${resource}`;
const parameter = (name: string) => arn("ssm", `parameter/native-buildx/prod/${name}`);
const instance = (id: string) => arn("ec2", `instance/${id}`);
const repository = (name: string) => arn("ecr", `repository/${name}`);
const role = (name: string) => arn("iam", `role/${name}`, "");
const key = arn("kms", "key/1234");
const group = (id: string) => arn("ec2", `security-group/${id}`);
const rule = arn("ec2", "security-group-rule/sgr-1");

/** All that AWS has of these services, less what nobody needs a permission for. */
const actions = ["ec2", "ecr", "iam", "kms", "secretsmanager", "ssm", "sts"]
    .flatMap(actionsOf)
    .filter((action) => action !== "sts:GetCallerIdentity");

/** Pairs `action resource` that the policy allows, of all actions on these resources. */
function allowed(policy: unknown, resources: readonly string[]): string[] {
    return actions
        .flatMap((action) => resources.map((resource) => ({ action, resource })))
        .filter(({ action, resource }) => evaluate([policy], { action, resources: [resource] }).outcome === "allowed")
        .map(({ action, resource }) => `${action} ${resource}`)
        .sort();
}

const names = ["keys", "keys-m7g.xlarge"];
const everything = [
    "*",
    ...["amd64", "arm64"].flatMap((runner) => names.map((name) => parameter(`${runner}/${name}`))),
    ...[1, 2].map((part) => parameter(`connect/${part}`)),
    arn("ssm", "parameter/native-buildx/other/arm64/keys"),
    ...["i-1", "i-2", "i-3"].map(instance),
    arn("ec2", "instance/i-1", "us-east-1"),
    ...["app", "app/web", "app/team/web", "app-of-others", "other/app", "other/app/web"].map(repository),
    ...["native-buildx-prod-arm64", "native-buildx-prod-ci", "admin"].map(role),
    arn("ec2", "volume/vol-1"),
    ...["sg-1", "sg-2"].map(group),
    rule,
    key,
];

describe("the runner's policy", () => {
    const own = names.map((name) => parameter(`arm64/${name}`));

    it("writes its own parameters, reads none, and does nothing else to anything", () => {
        expect(allowed(runnerPolicy(own), everything)).toEqual(own.map((name) => `ssm:PutParameter ${name}`).sort());
    });

    it("closes the port to callers, and opens it to nobody", () => {
        const policy = runnerPolicy(own, undefined, group("sg-1"));
        const without = new Set(allowed(runnerPolicy(own), everything));
        const further = allowed(policy, everything).filter((pair) => !without.has(pair));
        expect(further).toEqual(
            [
                `ec2:RevokeSecurityGroupIngress ${group("sg-1")}`,
                ...everything.map((resource) => `ec2:DescribeSecurityGroupRules ${resource}`),
            ].sort(),
        );
    });

    it("encrypts these parameters with the customer's key, and does nothing else with it", () => {
        const encrypt = (context: { [key: string]: string }, action = "kms:Encrypt", resource = key) =>
            evaluate([runnerPolicy(own, key)], { action, resources: [resource], context }).outcome;
        const mine = { "kms:EncryptionContext:PARAMETER_ARN": parameter("arm64/keys") };
        expect(encrypt(mine)).toBe("allowed");
        expect(encrypt({ "kms:EncryptionContext:PARAMETER_ARN": parameter("amd64/keys") })).toBe("implicit deny");
        expect(encrypt({})).toBe("implicit deny");
        expect(encrypt(mine, "kms:Encrypt", `${key}5`)).toBe("implicit deny");
        expect(encrypt(mine, "kms:Decrypt")).toBe("implicit deny");
        expect(encrypt(mine, "kms:CreateGrant")).toBe("implicit deny");
    });
});

describe("the CI role's policy", () => {
    const resources = {
        instanceArns: [instance("i-1"), instance("i-2")],
        repositoryArns: [repository("app"), repository("app/*")],
        connectParameterArns: [parameter("connect/1"), parameter("connect/2")],
        keysParameterArns: names.map((name) => parameter(`arm64/${name}`)),
    };
    const policyOf = (kmsKeyArn?: string) =>
        ciPolicy({
            ...resources,
            access: clientStatements(resources.instanceArns, resources.keysParameterArns, kmsKeyArn),
        });
    const pushing = [
        ...["BatchCheckLayerAvailability", "BatchGetImage", "CompleteLayerUpload", "GetDownloadUrlForLayer"],
        ...["InitiateLayerUpload", "PutImage", "UploadLayerPart"],
    ];

    it("starts these instances, reads these parameters, pushes to these repositories, and nothing else", () => {
        const each = (actions: string[], arns: string[]) =>
            actions.flatMap((action) => arns.map((resource) => `${action} ${resource}`));
        expect(allowed(policyOf(), everything)).toEqual(
            [
                ...each(["ec2:StartInstances"], resources.instanceArns),
                ...each(["ssm:GetParameters"], resources.connectParameterArns),
                ...each(["ssm:GetParameter"], resources.keysParameterArns),
                ...each(
                    pushing.map((action) => `ecr:${action}`),
                    ["app", "app/web", "app/team/web"].map(repository),
                ),
                // These are about no resource, whichever one asks with.
                ...each(["ec2:DescribeInstances", "ecr:GetAuthorizationToken"], everything),
            ].sort(),
        );
    });

    it("pulls from others' repositories, pushes nothing to them, and does not take a longer name for theirs", () => {
        const own = [repository("app-pr"), repository("app-pr/*")];
        const policy = ciPolicy({
            ...{ access: [], connectParameterArns: resources.connectParameterArns },
            ...{ repositoryArns: own, readableArns: resources.repositoryArns },
        });
        const asked = ["app", "app/web", "app-pr", "app-pr/web", "app-prod", "app-prod/web", "apps", "ap"];
        const found = allowed(policy, asked.map(repository)).filter(
            (pair) => !pair.includes("ecr:GetAuthorizationToken"),
        );
        const pulling = pushing.filter((action) => /^(BatchCheck|BatchGet|GetDownload)/.test(action));
        const each = (names: string[], of: string[]) =>
            names.flatMap((name) => of.map((action) => `ecr:${action} ${repository(name)}`));
        expect(found).toEqual(
            [...each(["app", "app/web"], pulling), ...each(["app-pr", "app-pr/web"], pushing)].sort(),
        );
        // Nor may the jobs of the others do anything to the longer name.
        const longer = ["app-pr", "app-pr/web"].map(repository);
        const ofOthers = allowed(policyOf(), longer).filter((pair) => pair.startsWith("ecr:"));
        expect(ofOthers).toEqual(longer.map((name) => `ecr:GetAuthorizationToken ${name}`));
    });

    describe("where callers are let in for a time", () => {
        const policy = ciPolicy({
            ...resources,
            access: clientStatements(resources.instanceArns, resources.keysParameterArns, undefined, group("sg-1")),
        });
        const asked = (action: string, resource: string, context: Context = {}) =>
            evaluate([policy], { action, resources: [resource], context }).outcome;

        it("changes the rules of that one group, and sees those of all", () => {
            const without = new Set(allowed(policyOf(), everything));
            const further = allowed(policy, everything).filter((pair) => !without.has(pair));
            expect(further).toEqual(
                [
                    `ec2:AuthorizeSecurityGroupIngress ${group("sg-1")}`,
                    // Every rule is in a group, which has to be allowed too.
                    `ec2:AuthorizeSecurityGroupIngress ${rule}`,
                    `ec2:RevokeSecurityGroupIngress ${group("sg-1")}`,
                    ...everything.map((resource) => `ec2:DescribeSecurityGroupRules ${resource}`),
                ].sort(),
            );
        });

        it("gives tags to a rule that it makes, and callers to the rules of that group", () => {
            const made = (by: string, id = "sg-1") => ({
                "ec2:CreateAction": by,
                "aws:RequestTag/native-buildx:group": id,
                "aws:TagKeys": ["native-buildx:group", "x"],
            });
            expect(asked("ec2:CreateTags", rule, made("AuthorizeSecurityGroupIngress"))).toBe("allowed");
            expect(asked("ec2:CreateTags", rule, made("AuthorizeSecurityGroupEgress"))).toBe("implicit deny");
            expect(asked("ec2:CreateTags", rule, made("AuthorizeSecurityGroupIngress", "sg-2"))).toBe("implicit deny");
            expect(asked("ec2:CreateTags", instance("i-1"), made("AuthorizeSecurityGroupIngress"))).toBe(
                "implicit deny",
            );
            for (const action of ["ec2:CreateTags", "ec2:DeleteTags"]) {
                const of = (id: string, ...keys: string[]) =>
                    asked(action, rule, { "aws:ResourceTag/native-buildx:group": id, "aws:TagKeys": keys });
                expect(of("sg-1", "native-buildx:caller:a", "native-buildx:caller:b")).toBe("allowed");
                expect(of("sg-1", "native-buildx:caller:a", "native-buildx:group")).toBe("implicit deny");
                expect(of("sg-2", "native-buildx:caller:a")).toBe("implicit deny");
                // All tags of the rule are meant where a call names none.
                expect(asked(action, rule, { "aws:ResourceTag/native-buildx:group": "sg-1" })).toBe("implicit deny");
                expect(asked(action, rule, { "aws:TagKeys": ["native-buildx:caller:a"] })).toBe("implicit deny");
            }
        });
    });

    it("names no registry of AWS where images are pushed to another", () => {
        const policy = JSON.stringify(ciPolicy({ access: [], connectParameterArns: ["arn"], repositoryArns: [] }));
        expect(policy).not.toContain("ecr:");
        // IAM takes no statement about nothing.
        expect(policy).not.toContain('"Resource":[]');
    });

    it("does not start one instance of its own together with another", () => {
        const request = { action: "ec2:StartInstances", resources: [instance("i-1"), instance("i-3")] };
        expect(evaluate([policyOf()], request)).toMatchObject({
            outcome: "implicit deny",
            resource: instance("i-3"),
        });
    });

    it("uses the customer's key to read these keys and for EC2 to start, and for nothing else", () => {
        const asked = (action: string, context: { [key: string]: string }) =>
            evaluate([policyOf(key)], { action, resources: [key], context }).outcome;
        const of = (name: string) => ({ "kms:EncryptionContext:PARAMETER_ARN": parameter(name) });
        expect(asked("kms:Decrypt", of("arm64/keys"))).toBe("allowed");
        expect(asked("kms:Decrypt", of("amd64/keys"))).toBe("implicit deny");
        expect(asked("kms:Decrypt", {})).toBe("implicit deny");
        expect(asked("kms:CreateGrant", { "kms:GrantIsForAWSResource": "true" })).toBe("allowed");
        expect(asked("kms:CreateGrant", { "kms:GrantIsForAWSResource": "false" })).toBe("implicit deny");
        expect(asked("kms:CreateGrant", {})).toBe("implicit deny");
        expect(asked("kms:Encrypt", of("arm64/keys"))).toBe("implicit deny");
    });
});

describe("who may assume the roles", () => {
    const provider = arn("iam", "oidc-provider/token.actions.githubusercontent.com", "");
    const plain = (principal: Principal) => ({ action: "sts:AssumeRole", principal });

    it.each<[Principal, string]>([
        [{ Service: "ec2.amazonaws.com" }, "allowed"],
        [{ Service: "ecs-tasks.amazonaws.com" }, "implicit deny"],
        [{ AWS: arn("iam", "user/anna", "") }, "implicit deny"],
        [{ AWS: arn("iam", "root", "") }, "implicit deny"],
        [{ Federated: provider }, "implicit deny"],
    ])("the runner's: %j is %s", (principal, expected) => {
        const runner = role("native-buildx-prod-arm64");
        expect(evaluateTrust(runnerTrustPolicy, runner, plain(principal)).outcome).toBe(expected);
    });

    const ci = role("native-buildx-prod-ci");
    it.each<[Principal, string]>([
        [{ AWS: role("jenkins") }, "allowed"],
        [{ AWS: `arn:aws:sts::${account}:assumed-role/jenkins/job` }, "allowed"],
        [{ AWS: role("jenkins2") }, "implicit deny"],
        [{ AWS: arn("iam", "user/anna", "") }, "implicit deny"],
        [{ AWS: "arn:aws:iam::210987654321:role/jenkins" }, "implicit deny"],
        [{ Service: "ec2.amazonaws.com" }, "implicit deny"],
        [{ Federated: provider }, "implicit deny"],
    ])("the CI role's, for named principals: %j is %s", (principal, expected) => {
        const trust = ciTrustPolicy({ issuers: [], principalArns: [role("jenkins")] });
        expect(evaluateTrust(trust, ci, plain(principal)).outcome).toBe(expected);
    });

    it("the CI role's, for a whole account: its own policies say who", () => {
        const trust = ciTrustPolicy({ issuers: [], principalArns: [arn("iam", "root", "")] });
        expect(evaluateTrust(trust, ci, plain({ AWS: role("jenkins") })).outcome).toBe("delegated");
        expect(evaluateTrust(trust, ci, plain({ AWS: "arn:aws:iam::210987654321:role/x" })).outcome).toBe(
            "implicit deny",
        );
    });
});
