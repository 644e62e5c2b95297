import { writeFileSync } from "node:fs";
import * as path from "node:path";
import {
    AuthorizeSecurityGroupIngressCommand,
    CreateTagsCommand,
    type SecurityGroupRule,
    StopInstancesCommand,
} from "@aws-sdk/client-ec2";
import { administratorPolicy } from "../../components/ci/administratorPolicy";
import { policiesOfAccount, type RolePolicies, replay, rolePolicies, Simulation } from "../../packages/simulated-ec2";
import { until } from "../e2e/processes";
import { describeHere } from "../helpers/needs";
import { asleepFor, fromStep, writes } from "../helpers/stepImage";
import { Ec2Project } from "./ec2Project";
import { groupsOf, rulesOf } from "./securityGroups";

jest.setTimeout(300_000);

// A stack that lets nobody in but callers, for their time, told in order: each test goes on from the one before.
describeHere("a port that connect opens and closes, on the simulated EC2", () => {
    let simulation: Simulation;
    let project: Ec2Project;
    let emptyAccount: { [kind: string]: string[] };
    let roles: { [role: string]: RolePolicies };
    let here: string;
    let group: string;

    beforeAll(async () => {
        simulation = Simulation.start();
        emptyAccount = await simulation.account();
        here = simulation.environment.SIM_CLIENT_CIDR ?? "";
        project = Ec2Project.createIn(simulation, "callers", {
            platforms: ["linux/amd64"],
            allowedCidrs: [],
            openForCallerMinutes: 10,
            callerAddressUrl: simulation.environment.SIM_ADDRESS_URL,
            trustedPrincipalArns: ["arn:aws:iam::123456789012:user/administrator"],
            idleMinutes: 0,
            forceDelete: true,
            images: { image: { context: "image" } },
        });
        project.context("image", [...fromStep, writes("built")]);
        project.context("nothing", ["FROM scratch", "COPY Dockerfile /"]);
        project.context("long", [...fromStep, asleepFor(90)]);
        await project.init();
    }, 600_000);

    afterAll(() => project?.end());
    afterAll(() => simulation?.stop());

    /** The callers of each address range that is let in. */
    const callers = async (): Promise<{ [range: string]: number }> =>
        Object.fromEntries(
            (await rulesOf(simulation, group)).map(({ CidrIpv4 = "", Tags = [] }) => [
                CidrIpv4,
                Tags.filter(({ Key }) => Key?.startsWith("native-buildx:caller:")).length,
            ]),
        );
    /** So that the time of all callers ends in so many seconds. */
    const letTimePass = async (rules: SecurityGroupRule[], seconds: number) => {
        const Value = String(Math.floor(Date.now() / 1000) + seconds);
        for (const { SecurityGroupRuleId = "", Tags = [] } of rules) {
            const names = Tags.filter(({ Key }) => Key?.startsWith("native-buildx:caller:"));
            const tags = { Resources: [SecurityGroupRuleId], Tags: names.map(({ Key }) => ({ Key, Value })) };
            await simulation.ec2.send(new CreateTagsCommand(tags));
        }
    };
    /** Status of curl: 28 where nobody answers. */
    const knock = async () => {
        const { PublicIpAddress } = await project.instance("amd64");
        const args = ["-sk", "--noproxy", "*", "--connect-timeout", "2", `https://${PublicIpAddress}:9753/`];
        return (await project.run("curl", args)).code;
    };
    /** The role of CI, by name, from an empty HOME. */
    const asCi = async (machine: string, script: string) => {
        const { ciRoleArn = "", ciConnect = "" } = await project.outputs();
        writeFileSync(
            path.join(project.folder, "ci.sh"),
            `set -eu
            credentials=$(aws sts assume-role --role-arn ${ciRoleArn} --role-session-name job --output text \\
                --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]')
            export AWS_ACCESS_KEY_ID=$(echo "$credentials" | cut -f 1)
            export AWS_SECRET_ACCESS_KEY=$(echo "$credentials" | cut -f 2)
            export AWS_SESSION_TOKEN=$(echo "$credentials" | cut -f 3)
            connect() { ${ciConnect} | sh -s -- "$@"; }
            build() { buildx build --builder native-buildx-callers-amd64 --output type=cacheonly "$@"; }
            ${script}`,
        );
        return project.succeed(project.run("sh", ["ci.sh"], { env: project.homeOf(machine) }));
    };

    it("is opened by `pulumi up` for itself: nobody else is let in by anything", async () => {
        await project.succeed(project.up());
        roles = await rolePolicies(simulation);
        const { fixed, callers: ofCallers } = await groupsOf(simulation, "native-buildx-callers");
        group = ofCallers;

        expect(await project.fileIn("image", "amd64", "result")).toBe("built");
        expect(await callers()).toEqual({ [here]: 1 });
        expect(await rulesOf(simulation, fixed)).toEqual([]);
        expect((await project.instance("amd64")).SecurityGroups).toHaveLength(2);
    });

    it("is opened for a job of CI with its role, from an empty HOME, shared, and closed when the last has done", async () => {
        await project.connectAndBuild("laptop", "amd64");
        await asCi("job", "connect linux/amd64 && build nothing && connect --done");
        // The parts of the laptop and of `up` are left.
        expect(await callers()).toEqual({ [here]: 2 });
        await project.succeed(project.disconnect("laptop"));
        expect(await callers()).toEqual({ [here]: 1 });
        await project.succeed(project.run("sh", ["-s", "--", "--done"], { input: await project.connectScript() }));
        expect(await callers()).toEqual({});
        expect(await knock()).toBe(28);
    });

    it("is closed by time after a crash, while a build that runs goes on", async () => {
        await asCi("crashed", "connect linux/amd64");
        expect(await callers()).toEqual({ [here]: 1 });
        const builder = ["--builder", "native-buildx-callers-amd64", "--platform", "linux/amd64"];
        const args = ["build", ...builder, "--output", "type=cacheonly", "long"];
        let hasEnded = false;
        const build = project.start("buildx", args, { env: project.homeOf("crashed") });
        build.child.on("close", () => {
            hasEnded = true;
        });
        await until("the step to run", async () => build.said().includes("sleep"));
        await letTimePass(await rulesOf(simulation, group), 5);
        await until("the rule to be removed", async () => Object.keys(await callers()).length === 0);
        expect(hasEnded).toBe(false);
        expect(await knock()).toBe(28);
        await project.succeed(build.done);
        await until("the console to tell", async () =>
            (await project.console("amd64")).includes(`closed the port to ${here}`),
        );
    });

    it("is opened for a job whose address somebody has let in by hand while the runner slept", async () => {
        const { InstanceId = "" } = await project.instance("amd64");
        await simulation.ec2.send(new StopInstancesCommand({ InstanceIds: [InstanceId] }));
        await simulation.awaitState(InstanceId, "stopped");
        const IpPermissions = [{ IpProtocol: "tcp", FromPort: 9753, ToPort: 9753, IpRanges: [{ CidrIp: here }] }];
        await simulation.ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: group, IpPermissions }));
        await asCi("job", "connect linux/amd64 && build nothing");
        expect(await callers()).toEqual({ [here]: 1 });
        await asCi("job", "connect --done");
        expect(await callers()).toEqual({});
    });

    it("is closed by the runner to what IAM cannot keep a role from opening", async () => {
        const wide = `--group-id ${group} --protocol tcp --port 22 --cidr 0.0.0.0/0`;
        await asCi("evil", `aws ec2 authorize-security-group-ingress ${wide}`);
        await until("the rule to be removed", async () => Object.keys(await callers()).length === 0);
    });

    it("has room for 60 addresses: at the limit it says so, and those whose time is over make room", async () => {
        const tag = { Key: "native-buildx:caller:x", Value: String(Math.floor(Date.now() / 1000) + 600) };
        const { SecurityGroupRules = [] } = await simulation.ec2.send(
            new AuthorizeSecurityGroupIngressCommand({
                GroupId: group,
                IpPermissions: [
                    {
                        IpProtocol: "tcp",
                        FromPort: 9753,
                        ToPort: 9753,
                        IpRanges: Array.from({ length: 60 }, (_, at) => ({ CidrIp: `203.0.113.${at}/32` })),
                    },
                ],
                TagSpecifications: [{ ResourceType: "security-group-rule", Tags: [tag] }],
            }),
        );
        const { code, output } = await project.connect("laptop", "amd64");
        expect(code).not.toBe(0);
        expect(output).toMatch(/the port cannot be opened to .*: security group sg-\S+ has as many rules as it can/);

        await letTimePass(SecurityGroupRules.slice(0, 2), -400);
        await project.connectAndBuild("laptop", "amd64");
        const left = await callers();
        expect(left[here]).toBe(1);
        expect(Object.keys(left)).not.toContain("203.0.113.0/32");
    });

    it("needed no permission that the roles and the administrator do not have", async () => {
        const { policiesOf, trustOf } = policiesOfAccount(roles, [administratorPolicy()]);
        // To see all roles is this test's own wish.
        const calls = (await simulation.calls()).filter(({ action }) => action !== "iam:ListRoles");
        const { refused, actions } = replay(calls, policiesOf, trustOf);
        expect(refused).toEqual([]);
        expect(actions).toEqual(
            expect.arrayContaining([
                ...["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"].map((name) => `ec2:${name}`),
                ...["CreateTags", "DeleteTags", "DescribeSecurityGroupRules"].map((name) => `ec2:${name}`),
            ]),
        );
    });

    it("leaves nothing behind", async () => {
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));
        expect(await simulation.account()).toEqual(emptyAccount);
    });
});
