import { AuthorizeSecurityGroupIngressCommand, RevokeSecurityGroupIngressCommand } from "@aws-sdk/client-ec2";
import { unchanged } from "../e2e/project";
import { describeHere } from "../helpers/needs";
import { fromStep } from "../helpers/stepImage";
import { attacks, forbiddenToJobs, forbiddenToRunner, notAllowed, wordsOf } from "./attacks";
import { Ec2Project } from "./ec2Project";
import { image, metadata, port, TrustWorld, takes } from "./trustWorld";

jest.setTimeout(300_000);

// DESIGN D14. What is refused here, AWS refuses, for the reason that is looked for.
describeHere("a stack for untrusted branches, beside the stack that is trusted, on the simulated EC2", () => {
    let world: TrustWorld;
    let published: { [what: string]: unknown };

    beforeAll(async () => {
        world = TrustWorld.create();
        await world.start();
        published = await world.published();
    }, 900_000);

    afterAll(() => world?.end());

    describe("the job of a pull request", () => {
        it.each(attacks.map((attack) => [attack.what, attack] as const))(
            "does not get at %s, and main's job does, by the same words",
            async (_what, { attempt, reason }) => {
                const { prod, main, untrusted } = world;
                const refused = await attempt(world, untrusted);
                expect(refused.output).toMatch(reason);
                expect(refused.code).not.toBe(0);
                expect(await world.published()).toEqual(published);

                await prod.succeed(attempt(world, main));
                // Main's job may move tags and caches: that is what it is for.
                published = await world.published();
            },
        );

        it.each(forbiddenToJobs)("may not do %s: %s", async (action, command) => {
            const { code, output } = await world.untrusted.run("aws", await wordsOf(command, world));
            expect(output).toMatch(notAllowed(action));
            expect(code).not.toBe(0);
        });

        it("has the caches and the images that main's jobs published, and builds on them", async () => {
            const { pr, untrusted, trusted } = world;
            const cache = ["--cache-from", `type=registry,ref=${trusted}/app:cache-amd64`];
            const fresh = await pr.succeed(untrusted.build(image, ...cache));
            expect(fresh.output).toMatch(/importing cache manifest from .*native-buildx-prod\/app:cache-amd64\n/);
            expect(fresh.output).toMatch(/\[2\/2\] RUN .*\n#\d+ CACHED/);

            const own = `${(await pr.outputs()).repositoryUrl}:on-main`;
            const onIt = [`FROM ${trusted}/app:latest`, 'RUN ["/step", "expect", "/result", "built by main"]'];
            await pr.succeed(untrusted.build(onIt, "--push", "--tag", own));
            await pr.succeed(untrusted.run("crane", ["manifest", own]));
            // And nothing goes the other way.
            const { code, output } = await world.main.run("crane", ["manifest", own]);
            expect(output).toMatch(notAllowed("ecr:BatchGetImage", ".*:repository/native-buildx-prod-pr because"));
            expect(code).not.toBe(0);
        });
    });

    describe("a step of a pull request's build", () => {
        it("reaches the registry, where it has no login, and neither the trusted runner nor an identity", async () => {
            const { prod, pr, untrusted, trusted } = world;
            const { PrivateIpAddress: inside, PublicIpAddress: outside } = await prod.instance("amd64");
            const registry = `${trusted.split("/")[0]}:443`;
            const closed = [`${inside}:${port}`, `${outside}:${port}`, `${metadata}:80`];
            const words = [registry, ...closed].map((address) => `"${address}"`).join(", ");
            const step = [...fromStep, `RUN ["/step", "reach", ${words}]`];
            const { output } = await pr.succeed(untrusted.build(step, "--no-cache"));
            expect(output).toContain(`reached ${registry}`);
            for (const address of closed) {
                expect(output).toContain(`cannot reach ${address}`);
            }
            // The port is open, to those who are named.
            expect(await takes(outside)).toBe(true);

            const url = `https://${trusted.replace("/", "/v2/")}/app/manifests/latest`;
            const asked = await untrusted.build(["FROM scratch", `ADD ${url} /manifest`], "--no-cache");
            expect(asked.output).toMatch(/invalid response status 401/);
            expect(asked.code).not.toBe(0);
        });

        it("leaves nothing in the trusted runner's cache mounts, as it does in its own runner's", async () => {
            const { pr, main, untrusted } = world;
            const mount = "--mount=type=cache,id=packages,target=/packages";
            const poison = [...fromStep, `RUN ${mount} ["/step", "write", "/packages/tool", "poison"]`];
            const look = [...fromStep, `RUN ${mount} ["/step", "expect", "/packages/tool", "poison"]`];
            await pr.succeed(untrusted.build(poison));
            await pr.succeed(untrusted.build(look));
            const { code, output } = await main.build(look);
            expect(output).toMatch(/open \/packages\/tool: no such file/);
            expect(code).not.toBe(0);
        });
    });

    describe("whoever has become root on the untrusted runner", () => {
        it.each(forbiddenToRunner)("may not do %s: %s", async (action, command) => {
            const env = await world.runnerIdentity(world.pr);
            const { code, output } = await world.pr.run("aws", await wordsOf(command, world), { env });
            expect(output).toMatch(notAllowed(action));
            expect(code).not.toBe(0);
        });

        it("may write the keys of this runner, as prod's may write its own", async () => {
            for (const project of [world.pr, world.prod]) {
                const env = await world.runnerIdentity(project);
                const name = `/native-buildx/${project.stack}/amd64/keys`;
                const words = ["ssm", "put-parameter", "--overwrite", "--type", "SecureString", "--value", "stopped"];
                await project.succeed(project.run("aws", [...words, "--name", name], { env }));
            }
        });

        it("does not reach the trusted runner, whose security group does not name its address", async () => {
            const { simulation, prod, pr } = world;
            const { PrivateIpAddress: inside, PublicIpAddress: outside } = await prod.instance("amd64");
            const { PrivateIpAddress: own } = await pr.instance("amd64");
            const id = await pr.instanceId("amd64");
            const reach = async (host?: string) => {
                const command = `curl -sSk --tls-max 1.2 --max-time 5 https://${host}:${port}/ 2>&1`;
                return (await simulation.execute(id, command)).stdout;
            };
            for (const host of [inside, outside]) {
                expect(await reach(host)).toMatch(/timed out|refused/);
            }
            // It is the group: with it out of the way there is the certificate that only the runner's clients have.
            const { id: GroupId } = await world.group();
            const rule = { IpProtocol: "tcp", FromPort: port, ToPort: port, IpRanges: [{ CidrIp: `${own}/32` }] };
            await simulation.ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [rule] }));
            try {
                expect(await reach(inside)).toMatch(/alert (bad certificate|certificate required|handshake failure)/);
            } finally {
                await simulation.ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions: [rule] }));
            }
        });
    });

    const isUnchanged = async () => {
        const { prod } = world;
        expect(await world.published()).toEqual(published);
        expect((await prod.succeed(prod.up())).output).toMatch(unchanged);
    };

    it("has changed nothing: the same images, parameters and rules, and an up that has nothing to do", async () => {
        await isUnchanged();
        const onIt = [`FROM ${world.trusted}/app:latest`, 'RUN ["/step", "expect", "/result", "built by main"]'];
        await world.prod.succeed(world.main.build(onIt));
    });

    it("reads the trusted caches by itself where an `up` builds: in a stack of a developer's own", async () => {
        const local = { runners: "local", localPort: 26_510, registry: "ecr", forceDelete: true };
        const images = { app: { context: "app" } };
        const settings = { ...local, platforms: ["linux/amd64"], readsFrom: ["prod"], images };
        const own = Ec2Project.createIn(world.simulation, "own", settings);
        try {
            own.context("app", image);
            await own.init();
            await own.succeed(own.up());
            const receipts = await own.succeed(own.pulumi("stack", "output", "receipts"));
            expect(receipts.output).toMatch(/ cached +step +\[2\/2\] RUN /);
            expect(await own.fileIn("app", "amd64", "result")).toBe("built by main");
            await own.succeed(own.pulumi("destroy", "--yes", "--skip-preview"));
        } finally {
            await own.end();
        }
    });

    it("takes nothing of the trusted stack with it when it is destroyed", async () => {
        const { pr, simulation } = world;
        await pr.succeed(pr.pulumi("config", "set", "forceDelete", "true"));
        await pr.succeed(pr.up());
        await pr.succeed(pr.pulumi("destroy", "--yes", "--skip-preview"));
        const left = await simulation.account();
        expect(JSON.stringify(left)).not.toContain("prod-pr");
        expect(left["eu-central-1 repositories"]).toEqual(["native-buildx-prod", "native-buildx-prod/app"]);
        await isUnchanged();
    });
});
