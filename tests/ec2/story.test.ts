import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { DescribeVolumesCommand } from "@aws-sdk/client-ec2";
import { administratorPolicy } from "../../components/ci/administratorPolicy";
import { policiesOfAccount, type RolePolicies, replay, rolePolicies, Simulation } from "../../packages/simulated-ec2";
import { quietCommands, unchanged } from "../e2e/project";
import { builtIn } from "../helpers/builtIn";
import { describeHere } from "../helpers/needs";
import { archs, fromStep } from "../helpers/stepImage";
import { Ec2Project } from "./ec2Project";

jest.setTimeout(300_000);

/** Seconds without a build after which the runners are idle. */
const idle = 15;

// One stack's life on EC2, told in order: each test goes on from the one before.
describeHere("the story of a stack on the simulated EC2", () => {
    let simulation: Simulation;
    let project: Ec2Project;
    let emptyAccount: { [kind: string]: string[] };
    let roles: { [role: string]: RolePolicies };

    /** The settings that change in the story. */
    const settings = {
        platforms: ["linux/amd64", "linux/arm64"],
        idleMinutes: idle / 60,
        forceDelete: false,
        trustedPrincipalArns: ["arn:aws:iam::123456789012:user/administrator"],
        images: {
            base: { context: "base" },
            // Its cache is on the runner's volume and nowhere else.
            app: { context: "app", bases: ["base"], tags: ["1.0", "latest"], cache: "none", overrides: {} },
        },
    };

    beforeAll(async () => {
        simulation = Simulation.start();
        emptyAccount = await simulation.account();
        project = Ec2Project.createIn(simulation, "story", settings);
        project.context("base", [...fromStep, 'RUN ["/step", "write", "/base", "of the base"]']);
        project.context(
            "app",
            [
                "FROM base",
                'RUN ["/step", "sleep", "1"]',
                "ARG ONLY",
                "COPY greeting /greeting",
                'RUN ["/step", "write", "/built", "by a step"]',
            ],
            { greeting: "hello" },
        );
        await project.init();
    }, 600_000);

    afterAll(() => project?.end());
    afterAll(() => simulation?.stop());

    const up = () => project.succeed(project.up());
    const greet = (text: string) => writeFileSync(path.join(project.folder, "app/greeting"), text);
    const starts = () => project.countOf("ec2:StartInstances");
    const cacheVolumes = async () => {
        const filter = { Name: "tag:Name", Values: ["*-cache"] };
        const found = await simulation.ec2.send(new DescribeVolumesCommand({ Filters: [filter] }));
        return found.Volumes?.map((volume) => volume.VolumeId).sort();
    };
    const bothAsleep = () => Promise.all(archs.map((arch) => project.awaitState(arch, "stopped")));

    it("has images for both platforms in the registry after the first up on an empty account", async () => {
        // With the preview that people see first.
        const { output } = await project.succeed(project.pulumi("up", "--yes"));
        roles = await rolePolicies(simulation);

        expect(builtIn(output)).toEqual(["app-amd64", "app-arm64", "base-amd64", "base-arm64"]);
        expect(await project.platformsOf("app")).toEqual(["linux/amd64", "linux/arm64"]);
        for (const arch of archs) {
            expect(await project.fileIn("app", arch, "base")).toBe("of the base");
            expect(await project.fileIn("app", arch, "greeting")).toBe("hello");
        }
    });

    it("says in its outputs where the runners are, where images go, and what the builds cost", async () => {
        const outputs = await project.outputs();

        expect(outputs.repositoryUrl).toBe(`${simulation.environment.SIM_REGISTRY}/native-buildx-story`);
        expect(outputs.builder).toBe("native-buildx-story");
        expect(outputs.runners.arm64).toEqual({
            kind: "ec2",
            platform: "linux/arm64",
            id: expect.stringMatching(/^i-[0-9a-f]+$/),
            instanceType: "c7g.xlarge",
            region: "eu-central-1",
            idleMinutes: idle / 60,
            price: {
                // Of its volumes, asleep too.
                month: expect.any(Number),
                unknown: "price of c7g.xlarge in eu-central-1 not known, set ec2Prices.instanceHour",
            },
        });
        expect(outputs.runners.amd64?.instanceType).toBe("c7i.xlarge");
        expect(outputs.images.app?.ref).toMatch(/native-buildx-story\/app:1\.0@sha256:[0-9a-f]{64}$/);
        expect(outputs.buildCosts).toMatch(/amd64 \d+ s on c7i.xlarge: \$0\.\d{4}/);
    });

    it("stops both runners by itself when nobody uses them, at no cost but their volumes", async () => {
        for (const instance of await bothAsleep()) {
            expect(instance.StateReason?.Code).toBe("Client.InstanceInitiatedShutdown");
            expect(instance.PublicIpAddress).toBeUndefined();
        }
    });

    it.each(quietCommands)("wakes no runner in an unchanged %s", async (_name, args) => {
        const before = await starts();
        const { output } = await project.succeed(project.pulumi(...args));

        // A refresh notes that a stopped instance has no address; nothing follows from it.
        expect(output).toMatch(/^Resources:\n( +~ 2 updated\n)? +\d+ unchanged\n/m);
        expect(await starts()).toBe(before);
        expect(await Promise.all(archs.map((arch) => project.state(arch)))).toEqual(["stopped", "stopped"]);
    });

    it("takes no new release of Debian for a reason to replace a runner", async () => {
        await simulation.setFaults({ debian_release: 2 });
        const { output } = await up();

        expect(output).toMatch(unchanged);
    });

    it("wakes one runner only for a change that concerns one platform, and says so", async () => {
        const id = await project.instanceId("arm64");
        settings.images.app.overrides = { "linux/arm64": { args: { ONLY: "here" } } };
        project.configure(settings);
        const before = await starts();
        const { output } = await up();

        expect(builtIn(output)).toEqual(["app-arm64"]);
        expect(output).toMatch(new RegExp(`arm64 runner ${id}: starting \\.\\.\\.`));
        expect(output).toMatch(new RegExp(`arm64 runner ${id}: serving after \\d+ s`));
        expect(await starts()).toBe(before + 1);
        expect(await project.state("amd64")).toBe("stopped");
        expect(await project.platformsOf("app")).toEqual(["linux/amd64", "linux/arm64"]);
    });

    it("has its cache again on a runner that a changed bootstrap replaced", async () => {
        const before = await project.outputs();
        const volumes = await cacheVolumes();
        // Written into the runner's units, so that both instances are replaced.
        settings.idleMinutes = (2 * idle) / 60;
        greet("good evening");
        project.configure(settings);
        const { output } = await up();

        const after = await project.outputs();
        for (const arch of archs) {
            expect(after.runners[arch]?.id).not.toBe(before.runners[arch]?.id);
            expect(await project.fileIn("app", arch, "greeting")).toBe("good evening");
            expect((await project.instance(arch)).ImageId).toBe(await simulation.image(arch));
        }
        expect(builtIn(output)).toEqual(["app-amd64", "app-arm64"]);
        // The step before the greeting was not run again.
        expect(output).not.toMatch(/updating .*\] RUN .*"sleep", "1"/);
        expect(await cacheVolumes()).toEqual(volumes);
    });

    it("gives CI the same builder, from an empty HOME, with no more than its own role", async () => {
        const { ciRoleArn = "", ciConnect = "", repositoryUrl, builder } = await project.outputs();
        writeFileSync(
            path.join(project.folder, "ci.sh"),
            `set -eu
            assume() { aws sts assume-role --role-arn ${ciRoleArn} --role-session-name job --output text "$@"; }
            credentials=$(assume --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]')
            export AWS_ACCESS_KEY_ID=$(echo "$credentials" | cut -f 1)
            export AWS_SECRET_ACCESS_KEY=$(echo "$credentials" | cut -f 2)
            export AWS_SESSION_TOKEN=$(echo "$credentials" | cut -f 3)
            ${ciConnect} | sh -s
            # What "docker login" writes, which needs a daemon.
            auth=$(printf 'AWS:%s' "$(aws ecr get-login-password)" | base64 -w0)
            printf '{"auths":{"%s":{"auth":"%s"}}}' "$SIM_REGISTRY" "$auth" >"$HOME/.docker/config.json"
            buildx build --builder ${builder} --platform linux/amd64,linux/arm64 --push --tag ${repositoryUrl}:by-ci base`,
        );
        expect(ciConnect).toContain(" /native-buildx/story/connect/1 ");
        const env = { HOME: path.join(project.folder, "ci") };
        const { output } = await project.succeed(project.run("sh", ["ci.sh"], { env }));

        expect(output).toMatch(/merging manifest list .*:by-ci/);
        expect(await project.state("arm64")).toBe("running");
    });

    it("tears down the runner of a platform that was taken out, and leaves the other alone", async () => {
        const before = await project.outputs();
        settings.platforms = ["linux/amd64"];
        settings.images.app.overrides = {};
        project.configure(settings);
        await up();

        const after = await project.outputs();
        expect(Object.keys(after.runners)).toEqual(["amd64"]);
        expect(after.runners.amd64?.id).toBe(before.runners.amd64?.id);
        expect(await project.platformsOf("app")).toEqual(["linux/amd64"]);
        const gone = before.runners.arm64?.id ?? "";
        const left = JSON.stringify(await simulation.account());
        expect(left).not.toContain(gone);
        expect(left).not.toContain("arm64");
    });

    it("destroys nothing while a repository holds images and forceDelete is off, and says what to do", async () => {
        const before = await simulation.account();
        const { code, output } = await project.pulumi("destroy", "--yes", "--skip-preview");

        expect(code).not.toBe(0);
        expect(output).toMatch(/Repositories native-buildx-story, .*\/app still hold images, and forceDelete is off/);
        expect(output).toMatch(/aws ecr delete-repository --force .* --repository-name native-buildx-story\/app /);
        expect(await simulation.account()).toEqual(before);
    });

    it("leaves the account as it was before the first up", async () => {
        settings.forceDelete = true;
        project.configure(settings);
        await up();
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));

        expect(await simulation.account()).toEqual(emptyAccount);
    });

    it("made no call that the permissions of docs/aws-permissions.json, or the role that made it, do not allow", async () => {
        const { policiesOf, trustOf } = policiesOfAccount(roles, [administratorPolicy()]);
        // To see all roles is this test's own wish.
        const calls = (await simulation.calls()).filter(({ action }) => action !== "iam:ListRoles");
        const { refused, actions } = replay(calls, policiesOf, trustOf);

        expect(refused).toEqual([]);
        // Everybody's calls were among them: the program's, the runners', and CI's.
        expect(actions).toEqual(
            expect.arrayContaining(["ec2:RunInstances", "iam:PassRole", "ssm:GetParameter", "ssm:GetParameters"]),
        );
    });
});
