import { gunzipSync } from "node:zlib";
import * as pulumi from "@pulumi/pulumi";
import { type AwsMocks, mockAws, resolved, settled } from "../../tests/helpers/awsMocks";
import { Workbench } from "../../tests/helpers/workbench";
import { clientStatements } from "../runner/ec2/policies";
import { CiRole, type CiRoleArgs } from "./ciRole";
import { ConnectParameters, readCommand, splitForParameters } from "./connectParameters";

const instances = ["arn:aws:ec2:eu-central-1:123456789012:instance/i-0a"];
const repositories = ["arn:aws:ecr:eu-central-1:123456789012:repository/app"];
const parameters = ["arn:aws:ssm:eu-central-1:123456789012:parameter/native-buildx/prod/connect/1"];
const keys = ["arn:aws:ssm:eu-central-1:123456789012:parameter/native-buildx/prod/arm64/keys"];

describe("CiRole", () => {
    let mocks: AwsMocks;
    beforeEach(async () => {
        mocks = await mockAws();
    });

    async function make(changes: Partial<CiRoleArgs>) {
        const role = new CiRole("ci", {
            access: clientStatements(instances, keys, undefined),
            repositoryArns: repositories,
            connectParameterArns: parameters,
            ...changes,
        });
        await resolved(role.arn);
        await settled();
        return {
            trust: JSON.parse(String(mocks.one("aws:iam/role:Role").inputs.assumeRolePolicy)).Statement,
            policy: JSON.parse(String(mocks.one("aws:iam/rolePolicy:RolePolicy").inputs.policy)).Statement,
        };
    }

    it("is for the named repositories' workflows, by GitHub's tokens for AWS", async () => {
        const { trust } = await make({ githubRepositories: ["acme/app", "acme/web:main"] });
        // By a name without the stack's, for an account has one: renamed, a stack would make it again before it deletes it.
        expect(mocks.one("aws:iam/openIdConnectProvider:OpenIdConnectProvider")).toMatchObject({
            name: "token.actions.githubusercontent.com",
            inputs: { url: "https://token.actions.githubusercontent.com", clientIdLists: ["sts.amazonaws.com"] },
        });
        expect(trust).toEqual([
            {
                Effect: "Allow",
                Action: "sts:AssumeRoleWithWebIdentity",
                Principal: { Federated: expect.stringContaining("openIdConnectProvider") },
                Condition: {
                    StringEquals: { "token.actions.githubusercontent.com:aud": "sts.amazonaws.com" },
                    StringLike: {
                        "token.actions.githubusercontent.com:sub": [
                            "repo:acme/app:ref:refs/heads/*",
                            "repo:acme/app:ref:refs/tags/*",
                            "repo:acme/web:ref:refs/heads/main",
                        ],
                    },
                },
            },
        ]);
    });

    it("asks for the branch besides where a job is in an environment, and makes one provider all the same", async () => {
        const { trust } = await make({ githubRepositories: ["acme/app:main", "acme/app:main:environment:release"] });
        expect(mocks.one("aws:iam/openIdConnectProvider:OpenIdConnectProvider")).toBeDefined();
        const asked = trust.map(({ Condition }: { Condition: { StringLike: object } }) => Condition.StringLike);
        expect(asked).toEqual([
            { "token.actions.githubusercontent.com:sub": ["repo:acme/app:ref:refs/heads/main"] },
            {
                "token.actions.githubusercontent.com:sub": ["repo:acme/app:environment:release"],
                "token.actions.githubusercontent.com:ref": ["refs/heads/main"],
            },
        ]);
    });

    it("uses the account's own providers where they are named, and makes the others", async () => {
        const organization = "5e31a1c4-0f8e-4a1c-9d1e-2f1f7f5c1a01";
        const oidcProviderArns = ["token.actions.githubusercontent.com", `oidc.circleci.com/org/${organization}`].map(
            (issuer) => `arn:aws:iam::123456789012:oidc-provider/${issuer}`,
        );
        const { trust } = await make({
            githubRepositories: ["acme/app"],
            gitlabProjects: ["acme/app"],
            circleciProjects: [`${organization}/${organization}/github.com/acme/app`],
            oidcProviderArns,
        });
        expect(mocks.one("aws:iam/openIdConnectProvider:OpenIdConnectProvider").inputs).toMatchObject({
            url: "https://gitlab.com",
            clientIdLists: ["https://gitlab.com"],
        });
        expect(trust.map(({ Principal }: { Principal: { Federated: string } }) => Principal.Federated)).toEqual([
            oidcProviderArns[0],
            expect.stringContaining("openIdConnectProvider"),
            oidcProviderArns[1],
        ]);
    });

    it.each([
        [5, 0],
        [60, 1],
    ])(
        "of %i repositories: %i warnings that they are more than AWS takes without being asked",
        async (count, warned) => {
            const warnings = jest.spyOn(pulumi.log, "warn").mockResolvedValue();
            await make({ githubRepositories: Array.from({ length: count }, (_, index) => `acme/repository-${index}`) });
            const said = warnings.mock.calls.map(([text]) => text);
            warnings.mockRestore();
            const expected = /^The trust policy of the CI role has \d{4} characters, and AWS takes 2048/;
            expect(said).toEqual(Array.from({ length: warned }, () => expect.stringMatching(expected)));
        },
    );

    it.each<[string, Partial<CiRoleArgs>, string]>([
        [
            "without anybody who may assume it",
            {},
            "nobody may assume the CI role: name somebody in githubRepositories, gitlabProjects,",
        ],
        ["for everybody", { githubRepositories: ["*"] }, "githubRepositories[0]: must be OWNER/REPOSITORY"],
    ])("is refused %s", async (_what, settings, said) => {
        expect(() => new CiRole("ci", { ...settings, connectParameterArns: parameters })).toThrow(said);
    });

    it("can be for principals of other CI systems", async () => {
        const principal = "arn:aws:iam::123456789012:role/jenkins";
        const { trust } = await make({ trustedPrincipalArns: [principal] });
        expect(trust).toEqual([{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS: [principal] } }]);
    });

    it("may wake these instances, read how to connect and their keys, push to these repositories, and nothing else", async () => {
        const { policy } = await make({ githubRepositories: ["acme/app"] });
        const allowed = policy.flatMap((statement: { Action: string[]; Resource: string[] }) =>
            statement.Action.map((action) => `${action} ${statement.Resource.join(" ")}`),
        );
        expect(allowed.sort()).toEqual(
            [
                `ec2:StartInstances ${instances}`,
                "ec2:DescribeInstances *",
                `ssm:GetParameters ${parameters}`,
                `ssm:GetParameter ${keys}*`,
                "ecr:GetAuthorizationToken *",
                `ecr:BatchCheckLayerAvailability ${repositories}`,
                `ecr:BatchGetImage ${repositories}`,
                `ecr:CompleteLayerUpload ${repositories}`,
                `ecr:GetDownloadUrlForLayer ${repositories}`,
                `ecr:InitiateLayerUpload ${repositories}`,
                `ecr:PutImage ${repositories}`,
                `ecr:UploadLayerPart ${repositories}`,
            ].sort(),
        );
    });

    it("may use the customer's key for the runners' keys and to start encrypted instances only", async () => {
        const kmsKeyArn = "arn:aws:kms:eu-central-1:123456789012:key/1234";
        const { policy } = await make({
            githubRepositories: ["acme/app"],
            access: clientStatements(instances, keys, kmsKeyArn),
        });
        const onKey = policy.filter((statement: { Resource: string[] }) => statement.Resource.includes(kmsKeyArn));
        expect(onKey).toEqual([
            expect.objectContaining({
                Action: ["kms:Decrypt"],
                Condition: { StringLike: { "kms:EncryptionContext:PARAMETER_ARN": keys.map((arn) => `${arn}*`) } },
            }),
            expect.objectContaining({
                Action: ["kms:CreateGrant"],
                Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
            }),
        ]);
    });
});

describe("an identity provider with the stack's tags, which its state does not know", () => {
    const issuer = "token.actions.githubusercontent.com";
    const providerArn = `arn:aws:iam::123456789012:oidc-provider/${issuer}`;
    const role = "native-buildx-prod-ci";
    const noRole = "echo 'An error occurred (NoSuchEntity)' >&2; exit 254";
    let bench: Workbench;
    beforeEach(async () => {
        await mockAws();
        bench = new Workbench();
        bench.putOnPath();
        for (const severity of ["info", "error"] as const) {
            jest.spyOn(pulumi.log, severity).mockResolvedValue();
        }
    });
    afterEach(async () => {
        await settled();
        jest.restoreAllMocks();
        bench.dispose();
    });

    /** What the stack does where AWS refuses to make it. `getRole`, `listPolicies`: what AWS answers about the role. */
    async function refused(getRole: string, listPolicies: string): Promise<unknown> {
        bench.stub(
            "aws",
            `case "$*" in
            *get-caller-identity*) echo arn:aws:iam::123456789012:user/me ;;
            *get-open-id-connect-provider*) echo ${role} ;;
            *get-role*) ${getRole} ;;
            *list-role-policies*) ${listPolicies} ;;
            esac`,
        );
        const hooks: pulumi.ErrorHook[] = [];
        new CiRole(
            role,
            { githubRepositories: ["acme/app"], connectParameterArns: parameters },
            {
                transformations: [
                    ({ type, opts }) => {
                        const { onError = [] } = opts.hooks ?? {};
                        hooks.push(...(type.endsWith(":OpenIdConnectProvider") ? (onError as pulumi.ErrorHook[]) : []));
                        return undefined;
                    },
                ],
            },
        );
        await settled();
        const resource = { urn: "", id: "", name: "r", type: "", failedOperation: "create" };
        return hooks[0]?.callback({ ...resource, errors: ["409: EntityAlreadyExists"] });
    }
    const deleted = () => bench.calls.filter((call) => call.includes("delete-open-id-connect-provider"));

    it.each([
        ["there is no such role", noRole, noRole],
        ["the role has no policy yet", `echo ${providerArn}`, "echo"],
        ["the role does not trust it yet", "echo arn:aws:iam::123456789012:oidc-provider/gitlab.com", "echo builder"],
    ])("is what a killed up has left where %s, and is made again", async (_why, getRole, listPolicies) => {
        expect(await refused(getRole, listPolicies)).toBe(true);
        expect(deleted()).toEqual([expect.stringContaining(providerArn)]);
    });

    it.each([
        [
            "the role is in use: another state's, whose jobs come by it",
            `echo ${providerArn}`,
            `${role} uses it; if that is`,
        ],
        ["AWS does not tell", "echo 'AccessDenied: iam:GetRole' >&2; exit 254", "AccessDenied"],
    ])("stays where %s", async (_why, getRole, said) => {
        expect(await refused(getRole, "echo builder")).toBe(false);
        expect(deleted()).toEqual([]);
        expect(pulumi.log.error).toHaveBeenCalledWith(expect.stringContaining(said));
    });
});

describe("ConnectParameters", () => {
    const script = `#!/bin/sh\n# a comment\n${"echo connect # with a long comment\n".repeat(300)}`;

    it("keeps the script, which is no secret, in parameters that SSM takes", async () => {
        const mocks = await mockAws();
        const stored = new ConnectParameters("connect", { connect: script });
        expect(await resolved(stored.arns)).toHaveLength(4);
        await settled();
        const parameters = mocks.of("aws:ssm/parameter:Parameter");
        expect(parameters.map(({ inputs }) => [inputs.name, inputs.type])).toEqual(
            [1, 2, 3, 4].map((part) => [`/native-buildx/native-buildx/prod/connect/${part}`, "String"]),
        );
    });

    it("loses nothing but comments on the way", () => {
        const parts = splitForParameters(script);
        expect(parts.every((part) => part.length > 0 && part.length <= 4096)).toBe(true);
        expect(gunzipSync(Buffer.from(parts.join(""), "base64")).toString()).toBe(script.replace("# a comment\n", ""));
    });

    it("says how CI reads it", () => {
        expect(readCommand("/native-buildx/prod/connect", "eu-central-1")).toBe(
            "aws ssm get-parameters --region eu-central-1 --names /native-buildx/prod/connect/1 /native-buildx/prod/connect/2 " +
                "/native-buildx/prod/connect/3 /native-buildx/prod/connect/4 --output text " +
                "--query 'sort_by(Parameters,&Name)[].Value' | tr -d '[:space:]' | base64 -d | gunzip",
        );
    });
});
