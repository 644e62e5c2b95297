import { request } from "node:https";
import { EC2Client, StartInstancesCommand } from "@aws-sdk/client-ec2";
import { CreateRepositoryCommand, ECRClient, GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr";
import {
    CreateRoleCommand,
    DeleteRoleCommand,
    DeleteRolePolicyCommand,
    IAMClient,
    PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { GetParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { canSimulate, Simulation } from "..";

jest.setTimeout(180_000);

const account = "123456789012";
const administrator = `arn:aws:iam::${account}:user/administrator`;
const roleArn = (name: string) => `arn:aws:iam::${account}:role/${name}`;

(canSimulate ? describe : describe.skip)("policies that are enforced", () => {
    let sim: Simulation;
    /** A session of the role. */
    let client: Simulation["client"] & { credentials: { sessionToken?: string } };

    beforeAll(async () => {
        sim = Simulation.start();
        const arn = (service: string, resource: string) =>
            `arn:aws:${service}:${sim.environment.AWS_REGION}:${account}:${resource}`;
        await makeRole("reader", administrator, [
            ["ssm:GetParameter", arn("ssm", "parameter/own")],
            ["ecr:GetAuthorizationToken", "*"],
            ["ecr:BatchGetImage", arn("ecr", "repository/own")],
        ]);
        await makeRole("strangers", `arn:aws:iam::${account}:user/stranger`, []);
        for (const Name of ["own", "other"]) {
            await sim.ssm.send(new PutParameterCommand({ Name, Type: "String", Value: Name }));
            await new ECRClient(sim.client).send(new CreateRepositoryCommand({ repositoryName: Name }));
        }
        const session = { RoleArn: roleArn("reader"), RoleSessionName: "test" };
        const { Credentials } = await new STSClient(sim.client).send(new AssumeRoleCommand(session));
        const { AccessKeyId = "", SecretAccessKey = "", SessionToken } = Credentials ?? {};
        const credentials = {
            accessKeyId: AccessKeyId,
            secretAccessKey: SecretAccessKey,
            sessionToken: SessionToken,
        };
        client = { ...sim.client, credentials };
    }, 600_000);

    afterAll(() => sim?.stop());

    async function makeRole(RoleName: string, AWS: string, allowed: [string, string][]): Promise<void> {
        const iam = new IAMClient(sim.client);
        const document = (Statement: object[]) => JSON.stringify({ Version: "2012-10-17", Statement });
        const trust = document([{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS } }]);
        await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust }));
        for (const [at, [Action, Resource]] of allowed.entries()) {
            const PolicyDocument = document([{ Effect: "Allow", Action, Resource }]);
            await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: `own-${at}`, PolicyDocument }));
        }
    }

    const read = (Name: string) => new SSMClient(client).send(new GetParameterCommand({ Name }));
    /** What the registry says to the role's login. */
    async function status(method: string, path: string): Promise<string> {
        const { authorizationData } = await new ECRClient(client).send(new GetAuthorizationTokenCommand({}));
        return new Promise((resolve, reject) => {
            const headers = { Authorization: `Basic ${authorizationData?.[0]?.authorizationToken}` };
            const url = `https://${sim.environment.SIM_REGISTRY}/v2/${path}`;
            request(url, { method, headers, rejectUnauthorized: false }, (answer) => {
                let text = `${answer.statusCode} `;
                answer.on("data", (part) => {
                    text += part;
                });
                answer.on("end", () => resolve(text));
            })
                .on("error", reject)
                .end();
        });
    }

    test("do not bind before somebody asks for it", async () => {
        expect((await read("other")).Parameter?.Value).toBe("other");
    });

    test("let a role do what it may, and refuse the rest as AWS does", async () => {
        await sim.enforcePolicies();
        expect((await read("own")).Parameter?.Value).toBe("own");
        await expect(read("other")).rejects.toMatchObject({
            name: "AccessDeniedException",
            message: expect.stringMatching(
                /assumed-role\/reader\/test is not authorized to perform: ssm:GetParameter /,
            ),
        });
        const start = new StartInstancesCommand({ InstanceIds: ["i-0123456789abcdef0"] });
        await expect(new EC2Client(client).send(start)).rejects.toMatchObject({ name: "UnauthorizedOperation" });
        const strangers = { RoleArn: roleArn("strangers"), RoleSessionName: "test" };
        await expect(new STSClient(sim.client).send(new AssumeRoleCommand(strangers))).rejects.toMatchObject({
            name: "AccessDenied",
        });
        // Users may do everything.
        await sim.ssm.send(new GetParameterCommand({ Name: "other" }));
    });

    test("bind the logins at the registry", async () => {
        expect(await status("GET", "own/manifests/1")).toMatch(/^404 /);
        expect(await status("GET", "other/manifests/1")).toMatch(/^403 .*DENIED.*ecr:BatchGetImage/);
        expect(await status("POST", "own/blobs/uploads/")).toMatch(/^403 .*DENIED.*ecr:InitiateLayerUpload/);
    });

    test("are the present ones, and none of a role that is gone", async () => {
        const iam = new IAMClient(sim.client);
        const RoleName = "reader";
        const statement = { Effect: "Allow", Action: "ssm:GetParameter", Resource: "*" };
        const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
        await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: "more", PolicyDocument }));
        expect((await read("other")).Parameter?.Value).toBe("other");

        for (const PolicyName of ["own-0", "own-1", "own-2", "more"]) {
            await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
        }
        await iam.send(new DeleteRoleCommand({ RoleName }));
        await expect(read("own")).rejects.toMatchObject({ name: "AccessDeniedException" });
    });
});
