import { TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { Simulation } from "../../packages/simulated-ec2";
import { until } from "../e2e/processes";
import { unchanged } from "../e2e/project";
import { describeHere } from "../helpers/needs";
import { fromStep, writes } from "../helpers/stepImage";
import { Ec2Project } from "./ec2Project";

jest.setTimeout(1_800_000);

/** The calls of a first `up` that make something, roughly in their order. */
const makingCalls = [
    "iam:CreateRole",
    "iam:CreateOpenIDConnectProvider",
    "ec2:CreateVpc",
    "ec2:CreateInternetGateway",
    "ec2:AttachInternetGateway",
    "ec2:CreateRoute",
    "ec2:CreateSubnet",
    "ec2:CreateSecurityGroup",
    "ec2:AuthorizeSecurityGroupIngress",
    "ecr:CreateRepository",
    "ecr:PutLifecyclePolicy",
    "ssm:PutParameter",
    "iam:PutRolePolicy",
    "iam:CreateInstanceProfile",
    "iam:AddRoleToInstanceProfile",
    "ec2:CreateVolume",
    "ec2:RunInstances",
    "ec2:AttachVolume",
];

// AWS has done what it was asked, and nobody wrote down what: the engine was killed before the answer.
describeHere("a first up on the simulated EC2 that is killed at every call that makes something", () => {
    let simulation: Simulation;
    let project: Ec2Project;
    let emptyAccount: { [kind: string]: string[] };

    beforeAll(async () => {
        simulation = Simulation.start();
        emptyAccount = await simulation.account();
        const settings = {
            platforms: ["linux/amd64"],
            vpc: "new",
            idleMinutes: 15,
            githubRepositories: ["octo/app"],
            forceDelete: true,
            images: { image: { context: "image" } },
        };
        project = Ec2Project.createIn(simulation, "killed", settings);
        project.context("image", [...fromStep, writes("in the end")]);
        await project.init();
    }, 600_000);

    afterAll(async () => {
        await simulation?.setFaults({ unanswered: [] });
        await project?.end();
    });
    afterAll(() => simulation?.stop());

    /** Of `actions`, those that were called and done since a call number. */
    async function doneSince(first: number, actions: string[]): Promise<string[]> {
        const calls = (await simulation.calls()).slice(first).filter(({ status }) => status < 400);
        return actions.filter((action) => calls.some((call) => call.action === action));
    }

    /** An `up` that is killed at the first of some calls, which AWS has done then. Resolves to those that were. */
    async function killedAt(calls: string[]): Promise<string[]> {
        const first = (await simulation.calls()).length;
        await simulation.setFaults({ unanswered: calls });
        const running = project.startUp();
        const isOneDone = async () => {
            if (running.child.exitCode !== null) {
                throw new Error(`the up ended early:\n${running.said()}`);
            }
            return (await doneSince(first, calls)).length > 0;
        };
        await until(`one of ${calls.join(", ")}`, isOneDone, 600);
        await project.kill(running);
        const done = await doneSince(first, calls);
        await simulation.setFaults({ unanswered: [] });
        return done;
    }

    const destroy = () => project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));

    it.each([
        ["ec2:RunInstances", /i-[0-9a-f]+: made by an up that was interrupted, and in no state; terminated now/],
        ["ec2:CreateVolume", /vol-[0-9a-f]+: made by an up that was interrupted, and in no state; deleted now/],
    ])("is destroyed after a kill at %s, with what no state knows", async (call, said) => {
        await killedAt([call]);
        expect((await destroy()).output).toMatch(said);
        expect(await simulation.account()).toEqual(emptyAccount);
    });

    it("goes on where it was, each time", async () => {
        const claiming = "ssm:PutParameter";
        let untried = makingCalls;
        const tryAt = async (calls: string[]) => {
            const tried = await killedAt(calls);
            untried = untried.filter((action) => !tried.includes(action));
        };
        // The claim on the stack's name, which all others wait for. The next `up` is refused the same call, and finds its own.
        await killedAt([claiming]);
        await tryAt(untried.filter((action) => action !== claiming));
        while (untried.length > 0) {
            await tryAt(untried);
        }
    });

    it("is complete after one more up, with the right image, and unchanged after another", async () => {
        await project.succeed(project.up());
        expect(await project.fileIn("image", "amd64", "result")).toBe("in the end");
        const { output } = await project.succeed(project.up());
        expect(output).toMatch(unchanged);
    });

    it("has left nothing beside the stack", async () => {
        const account = await simulation.account();
        for (const kind of ["instances", "volumes", "vpcs", "subnets", "internetGateways", "securityGroups"]) {
            const [before = [], now = []] = [emptyAccount, account].map((all) => all[`eu-central-1 ${kind}`]);
            const own = kind === "subnets" || kind === "volumes" || kind === "securityGroups" ? 2 : 1;
            expect(`${now.length - before.length} ${kind}`).toBe(`${own} ${kind}`);
        }
    });

    it("names another's instance that has the security group, does not wait for it, and goes when it has gone", async () => {
        const { SubnetId, SecurityGroups = [] } = await project.instance("amd64");
        const SecurityGroupIds = SecurityGroups.map(({ GroupId = "" }) => GroupId);
        const other = await simulation.launch("#!/bin/sh\n", { SubnetId, SecurityGroupIds });
        const { code, output } = await project.pulumi("destroy", "--yes", "--skip-preview");
        expect(code).not.toBe(0);
        expect(output).toContain(`${other} has it too, and is not this stack's`);

        await simulation.ec2.send(new TerminateInstancesCommand({ InstanceIds: [other] }));
        await simulation.awaitState(other, "terminated");
        await destroy();
        expect(await simulation.account()).toEqual(emptyAccount);
    });
});
