import { CreateTagsCommand, EC2Client, StartInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import {
    AddRoleToInstanceProfileCommand,
    CreateInstanceProfileCommand,
    CreateOpenIDConnectProviderCommand,
    CreateRoleCommand,
    IAMClient,
    PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { GetParameterCommand, GetParametersCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { AssumeRoleCommand, AssumeRoleWithWebIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { administratorPolicy } from "../../components/ci/administratorPolicy";
import { ciPolicy, ciTrustPolicy } from "../../components/ci/policies";
import { clientStatements, runnerPolicy } from "../../components/runner/ec2/policies";
import {
    type Call,
    canSimulate,
    policiesOfAccount,
    replay,
    rolePolicies,
    Simulation,
    TokenIssuer,
} from "../../packages/simulated-ec2";

jest.setTimeout(180_000);

const account = "123456789012";
const administrator = `arn:aws:iam::${account}:user/administrator`;
const provider = `arn:aws:iam::${account}:oidc-provider/token.actions.githubusercontent.com`;

/** Roles and calls of the program's kind, made in an account, fetched from it, and replayed. */
(canSimulate ? describe : describe.skip)("what the simulated account has recorded", () => {
    let sim: Simulation;
    let calls: Call[];
    let instance: string;
    let volume: string;
    const region = () => sim.environment.AWS_REGION ?? "";
    const ec2 = (resource: string) => `arn:aws:ec2:${region()}:${account}:${resource}`;
    const parameter = (name: string) => `arn:aws:ssm:${region()}:${account}:parameter/native-buildx/prod/${name}`;
    const key = () => `arn:aws:kms:${region()}:${account}:key/1234`;
    const role = (name: string) => `arn:aws:iam::${account}:role/native-buildx-${name}`;

    beforeAll(async () => {
        sim = Simulation.start();
        const iam = new IAMClient(sim.client);
        const sts = new STSClient(sim.client);
        const makeRole = async (name: string, trust: object, policy: object) => {
            const RoleName = `native-buildx-${name}`;
            await iam.send(
                new CreateRoleCommand({
                    RoleName,
                    AssumeRolePolicyDocument: JSON.stringify(trust),
                    Tags: [{ Key: "native-buildx", Value: "prod" }],
                }),
            );
            const PolicyDocument = JSON.stringify(policy);
            await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: "own", PolicyDocument }));
        };
        const as = async (name: string) => {
            const { Credentials } = await sts.send(
                new AssumeRoleCommand({ RoleArn: role(name), RoleSessionName: "test" }),
            );
            const { AccessKeyId = "", SecretAccessKey = "", SessionToken } = Credentials ?? {};
            const credentials = {
                accessKeyId: AccessKeyId,
                secretAccessKey: SecretAccessKey,
                sessionToken: SessionToken,
            };
            return { ...sim.client, credentials };
        };
        const trust = ciTrustPolicy({
            issuers: [
                {
                    issuer: "token.actions.githubusercontent.com",
                    providerArn: provider,
                    audience: "sts.amazonaws.com",
                    subjects: ["repo:acme/app:*"],
                },
            ],
            principalArns: [administrator],
        });

        for (const name of ["arm64/keys", "amd64/keys"]) {
            const Name = `/native-buildx/prod/${name}`;
            await sim.ssm.send(
                new PutParameterCommand({ Name, Type: "SecureString", Value: "hidden", KeyId: key(), Tags: [] }),
            );
        }
        await makeRole("runner", trust, runnerPolicy([parameter("arm64/keys")], key()));
        await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: "native-buildx-runner" }));
        await iam.send(
            new AddRoleToInstanceProfileCommand({
                InstanceProfileName: "native-buildx-runner",
                RoleName: "native-buildx-runner",
            }),
        );
        instance = await sim.launch("#!/bin/sh\n", {
            IamInstanceProfile: { Name: "native-buildx-runner" },
            TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "native-buildx", Value: "prod" }] }],
        });
        const started = await sim.awaitState(instance, "running");
        volume = started.BlockDeviceMappings?.[0]?.Ebs?.VolumeId ?? "";
        await sim.ec2.send(
            new CreateTagsCommand({ Resources: [instance, volume], Tags: [{ Key: "Name", Value: "runner" }] }),
        );
        await makeRole(
            "ci",
            trust,
            ciPolicy({
                access: clientStatements([ec2(`instance/${instance}`)], [parameter("arm64/keys")], key()),
                repositoryArns: [`arn:aws:ecr:${region()}:${account}:repository/app`],
                connectParameterArns: [parameter("connect/1")],
            }),
        );

        const runner = new SSMClient(await as("runner"));
        for (const name of ["arm64/keys", "amd64/keys"]) {
            const Name = `/native-buildx/prod/${name}`;
            const secret = { Type: "SecureString", Value: "hidden", Overwrite: true, KeyId: key() } as const;
            await runner.send(new PutParameterCommand({ Name, ...secret }));
        }
        const ci = await as("ci");
        await new EC2Client(ci).send(new StartInstancesCommand({ InstanceIds: [instance] }));
        const Names = ["/native-buildx/prod/connect/1", "/native-buildx/prod/arm64/keys"];
        await new SSMClient(ci).send(new GetParametersCommand({ Names }));
        for (const name of ["arm64/keys", "amd64/keys"]) {
            const Name = `/native-buildx/prod/${name}`;
            await new SSMClient(ci).send(new GetParameterCommand({ Name, WithDecryption: true }));
        }
        const github = new TokenIssuer("https://token.actions.githubusercontent.com");
        await iam.send(
            new CreateOpenIDConnectProviderCommand({ Url: github.url, ClientIDList: ["sts.amazonaws.com"] }),
        );
        await sim.setIssuerKeys({ [github.url]: github.jwks });
        for (const repository of ["acme/app", "evil/app"]) {
            const claims = { aud: "sts.amazonaws.com", sub: `repo:${repository}:ref:refs/heads/main` };
            const WebIdentityToken = github.token(claims);
            const session = { RoleArn: role("ci"), RoleSessionName: "test", WebIdentityToken };
            await sts.send(new AssumeRoleWithWebIdentityCommand(session));
        }
        await sim.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance] }));
        calls = await sim.calls();
    }, 600_000);

    afterAll(() => {
        sim?.stop();
    });

    const one = (action: string) => calls.find((call) => call.action === action);

    test("names what a call is about, and what conditions depend on", () => {
        expect(one("ec2:CreateTags")).toMatchObject({
            resources: [ec2(`instance/${instance}`), ec2(`volume/${volume}`)],
            resourceTags: { [ec2(`instance/${instance}`)]: { "native-buildx": "prod" } },
        });
        expect(one("ec2:RunInstances")).toMatchObject({ passedRoles: [role("runner")] });
        expect(one("iam:AddRoleToInstanceProfile")).toMatchObject({ passedRoles: [role("runner")] });
        expect(one("ssm:GetParameters")?.resources).toEqual([parameter("connect/1"), parameter("arm64/keys")]);
        expect(calls.find(({ keys }) => keys)?.keys).toEqual({ [parameter("arm64/keys")]: key() });
        expect(JSON.stringify(calls)).not.toContain("hidden");
    });

    test("is what the roles may do, and no more", async () => {
        const { policiesOf, trustOf } = policiesOfAccount(await rolePolicies(sim), [administratorPolicy()]);
        const { refused, actions } = replay(calls, policiesOf, trustOf);
        const session = (name: string) => `arn:aws:sts::${account}:assumed-role/native-buildx-${name}/test`;
        expect(refused.map(({ principal, action, resource }) => [principal, action, resource])).toEqual([
            [session("runner"), "ssm:PutParameter", parameter("amd64/keys")],
            [session("runner"), "kms:Encrypt", key()],
            [session("ci"), "ssm:GetParameters", parameter("arm64/keys")],
            [session("ci"), "ssm:GetParameter", parameter("amd64/keys")],
            [session("ci"), "kms:Decrypt", key()],
            ["anonymous", "sts:AssumeRoleWithWebIdentity", role("ci")],
        ]);
        expect(actions).toEqual(expect.arrayContaining(["iam:PassRole", "iam:TagRole", "kms:Encrypt"]));
    });
});
