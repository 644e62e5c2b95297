import { DescribeSubnetsCommand, DescribeVolumesCommand, type Volume } from "@aws-sdk/client-ec2";
import { Simulation } from "../../packages/simulated-ec2";
import { unchanged } from "../e2e/project";
import { describeHere } from "../helpers/needs";
import { fromStep, writes } from "../helpers/stepImage";
import { Ec2Project } from "./ec2Project";

jest.setTimeout(300_000);

// Settings that decide where a runner is and how big its cache: changed on a stack that is there, one after another.
describeHere("a runner on the simulated EC2 whose settings change", () => {
    let simulation: Simulation;
    let project: Ec2Project;
    let emptyAccount: { [kind: string]: string[] };
    let texts = 0;

    beforeAll(async () => {
        simulation = Simulation.start();
        emptyAccount = await simulation.account();
        const settings = { platforms: ["linux/amd64"], idleMinutes: 15, forceDelete: true, cacheGigabytes: 22 };
        project = Ec2Project.createIn(simulation, "changes", { ...settings, images: { image: { context: "image" } } });
        writeImage();
        project.context("nothing", ["FROM scratch", "COPY Dockerfile /"]);
        await project.init();
        await project.succeed(project.up());
    }, 600_000);

    afterAll(() => project?.end());
    afterAll(() => simulation?.stop());

    function writeImage(): string {
        const text = `text ${texts++}`;
        project.context("image", [...fromStep, writes(text)]);
        return text;
    }

    async function cacheVolume(): Promise<Volume> {
        const filter = { Name: "tag:Name", Values: ["*-cache"] };
        const { Volumes = [] } = await simulation.ec2.send(new DescribeVolumesCommand({ Filters: [filter] }));
        expect(Volumes).toHaveLength(1);
        return Volumes[0] as Volume;
    }

    async function subnetIn(zone: string): Promise<string> {
        const filters = [
            { Name: "availability-zone", Values: [zone] },
            { Name: "default-for-az", Values: ["true"] },
        ];
        const { Subnets } = await simulation.ec2.send(new DescribeSubnetsCommand({ Filters: filters }));
        return Subnets?.[0]?.SubnetId ?? "";
    }

    /** An `up` that builds, and another that has nothing to do. Resolves to what the first said. */
    async function upAndBuild(): Promise<string> {
        const text = writeImage();
        const { output } = await project.succeed(project.up());
        expect(await project.fileIn("image", "amd64", "result")).toBe(text);
        expect((await project.succeed(project.up())).output).toMatch(unchanged);
        return output;
    }

    it.each([
        ["default", "new"],
        ["new", "default"],
    ])("moves from VPC %s to VPC %s, with its cache", async (_from, vpc) => {
        const before = await project.instance("amd64");
        const { VolumeId } = await cacheVolume();
        project.configure({ vpc });
        const output = await upAndBuild();

        const after = await project.instance("amd64");
        expect(after.VpcId).not.toBe(before.VpcId);
        expect((await cacheVolume()).VolumeId).toBe(VolumeId);
        expect(output).not.toContain("with an empty cache");
    });

    it("moves to a subnet of another zone, and says before that its cache begins empty", async () => {
        const { VolumeId } = await cacheVolume();
        project.configure({ vpc: await subnetIn("eu-central-1b") });
        const warning =
            /cache volume is in zone eu-central-1a, .*with an empty cache, takes its place in zone eu-central-1b/;
        expect((await project.succeed(project.pulumi("preview"))).output).toMatch(warning);
        expect((await cacheVolume()).VolumeId).toBe(VolumeId);
        await upAndBuild();

        expect((await project.instance("amd64")).Placement?.AvailabilityZone).toBe("eu-central-1b");
        expect((await cacheVolume()).VolumeId).not.toBe(VolumeId);
    });

    it("moves from a named subnet to the default VPC, and stays in its zone", async () => {
        const { VolumeId } = await cacheVolume();
        project.configure({ vpc: "default" });
        await upAndBuild();

        expect((await cacheVolume()).VolumeId).toBe(VolumeId);
    });

    it("gets a public address when it is to be reached by one", async () => {
        project.configure({ usePrivateAddress: true });
        await project.succeed(project.up());
        expect((await project.instance("amd64")).PublicIpAddress).toBeUndefined();
        project.configure({ usePrivateAddress: false });
        await upAndBuild();

        expect((await project.instance("amd64")).PublicIpAddress).toBeDefined();
    });

    it.each(["preview", "up"])(
        "is told by %s that its cache cannot shrink, before anything is done",
        async (command) => {
            const before = [await project.instanceId("amd64"), await cacheVolume()];
            project.configure({ cacheGigabytes: 20 });
            const more = command === "up" ? ["--yes", "--skip-preview"] : [];
            const { code, output } = await project.pulumi(command, ...more);

            expect(code).not.toBe(0);
            expect(output).toMatch(
                /cacheGigabytes 20: volume native-buildx-changes-amd64-cache has 22, and EBS cannot/,
            );
            expect([await project.instanceId("amd64"), await cacheVolume()]).toEqual(before);
        },
    );

    it("shrinks by the command that was named", async () => {
        await project.succeed(project.pulumi("up", "--replace", "**Volume::*-cache", "--yes", "--skip-preview"));
        expect((await cacheVolume()).Size).toBe(20);
        await upAndBuild();
    });

    it("is served by a stand-in while EC2 has no capacity to replace it, which names the remedy", async () => {
        const { VolumeId } = await cacheVolume();
        project.configure({ fallbackInstanceTypes: { "linux/amd64": ["m7i.xlarge"] } });
        await project.succeed(project.up());
        await simulation.setFaults({ no_capacity: ["c7i.*"] });
        project.configure({ idleMinutes: 14 });
        const { code, output } = await project.up();
        expect(code).not.toBe(0);
        expect(output).toMatch(
            /changes-amd64: EC2 has no capacity for c7i\.xlarge now\. Name another type in instanceTypes of linux\/amd64/,
        );
        const connected = await project.connectAndBuild("laptop", "amd64");
        expect(connected).toContain("trying this stand-in, m7i.xlarge");

        project.configure({ instanceTypes: { "linux/amd64": "c6i.xlarge" } });
        await upAndBuild();
        expect((await project.instance("amd64")).InstanceType).toBe("c6i.xlarge");
        expect((await cacheVolume()).VolumeId).toBe(VolumeId);
    });

    it("leaves the account as it was", async () => {
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));
        expect(await simulation.account()).toEqual(emptyAccount);
    });
});
