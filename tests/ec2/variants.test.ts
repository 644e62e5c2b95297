import { cpSync } from "node:fs";
import * as path from "node:path";
import { DescribeSubnetsCommand } from "@aws-sdk/client-ec2";
import { Simulation } from "../../packages/simulated-ec2";
import { describeUnless, missing, missingEmulator } from "../helpers/needs";
import { fromStep, stepBinary, writes } from "../helpers/stepImage";
import { publishBuildkit } from "./buildkit/archive";
import { Ec2Project } from "./ec2Project";

jest.setTimeout(300_000);

// Settings that change what is made, each with a stack of one platform from its first up to its destroy.
describeUnless(missing() ?? missingEmulator(["linux/riscv64"]))("variants of a stack on the simulated EC2", () => {
    let simulation: Simulation;
    let emptyAccount: { [kind: string]: string[] };
    let project: Ec2Project;

    beforeAll(async () => {
        simulation = Simulation.start();
        emptyAccount = await simulation.account();
    }, 600_000);

    afterEach(async () => {
        // What a test that failed has left.
        await project?.pulumi("destroy", "--yes", "--skip-preview");
        await project?.end();
    });
    afterAll(() => simulation?.stop());

    const create = async (stack: string, settings: { [name: string]: unknown }) => {
        project = Ec2Project.createIn(simulation, stack, {
            platforms: ["linux/amd64"],
            idleMinutes: 15,
            forceDelete: true,
            images: { image: { context: "image" } },
            ...settings,
        });
        writeImage("at first");
        await project.init();
        await project.succeed(project.up());
    };
    const writeImage = (text: string) => {
        project.context("image", [...fromStep, writes(text)]);
        cpSync(stepBinary("riscv64"), path.join(project.folder, "image/step-riscv64"));
    };
    const destroy = async () => {
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));
        expect(await simulation.account()).toEqual(emptyAccount);
    };

    it("lives in a VPC of its own, with tags that do not move", async () => {
        await create("new", { vpc: "new", immutableTags: true, movingTags: ["latest*"] });
        const { VpcId, SubnetId } = await project.instance("amd64");
        const { Subnets } = await simulation.ec2.send(new DescribeSubnetsCommand({ SubnetIds: [SubnetId ?? ""] }));
        expect(Subnets?.[0]).toMatchObject({ VpcId, DefaultForAz: false });
        expect((await simulation.account())["eu-central-1 natGateways"] ?? []).toEqual([]);

        // `latest` and the cache may move.
        writeImage("changed");
        await project.succeed(project.up());
        expect(await project.fileIn("image", "amd64", "result")).toBe("changed");

        // A tag of a version may not: the registry refuses, and a tag of its own is accepted.
        project.configure({ images: { image: { context: "image", tags: ["1.0"] } } });
        await project.succeed(project.up());
        writeImage("changed again");
        const { code, output } = await project.up();
        expect(code).not.toBe(0);
        expect(output).toMatch(/cannot be overwritten because the tag is immutable/);
        project.configure({ images: { image: { context: "image", tags: ["1.1"] } } });
        await project.succeed(project.up());
        expect(await project.fileIn("image", "amd64", "result")).toBe("changed again");
        await destroy();
    });

    it("says where to look when BuildKit's archive is not the one that was pinned, and gets over it", async () => {
        const wrong = "0".repeat(64);
        await create("pinned", { buildkitSha256: { "linux/amd64": wrong }, images: {} });
        const { code, output } = await project.connect("laptop", "amd64");
        expect(code).not.toBe(0);
        expect(output).toMatch(/was started and stopped again: .*get-console-output/);
        expect(await project.console("amd64")).toContain(`not ${wrong} as configured: refused`);

        const { buildkitSha256 } = publishBuildkit(simulation);
        project.configure({ buildkitSha256, images: { image: { context: "image" } } });
        await project.succeed(project.up());
        expect(await project.fileIn("image", "amd64", "result")).toBe("at first");
        await destroy();
    });

    it("lives in a subnet that was named, and emulates a platform that EC2 has no machines of", async () => {
        const zone = { Name: "availability-zone", Values: ["eu-central-1b"] };
        const { Subnets } = await simulation.ec2.send(new DescribeSubnetsCommand({ Filters: [zone] }));
        const subnet = Subnets?.[0]?.SubnetId ?? "";
        await create("named", {
            vpc: subnet,
            platforms: ["linux/amd64", "linux/riscv64"],
            emulateOn: { "linux/riscv64": "linux/amd64" },
            nativeCompilers: false,
        });

        expect((await project.instance("amd64")).SubnetId).toBe(subnet);
        expect(await project.fileIn("image", "amd64", "result")).toBe("at first");
        expect(await project.platformsOf("image")).toEqual(["linux/amd64", "linux/riscv64"]);
        expect(await project.fileIn("image", "riscv64", "result")).toBe("at first");
        const { runners } = await project.outputs();
        expect(runners.riscv64).toEqual({ ...runners.amd64, platform: "linux/riscv64" });
        await destroy();
    });
});
