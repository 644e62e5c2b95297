import { DescribeVolumesCommand } from "@aws-sdk/client-ec2";
import { Simulation } from "../../packages/simulated-ec2";
import { until } from "../e2e/processes";
import { describeHere } from "../helpers/needs";
import { fromStep, writes } from "../helpers/stepImage";
import { Ec2Project } from "./ec2Project";

jest.setTimeout(300_000);

// The machine has 1 GiB. (That build steps have a limit below that is seen where control groups have a memory controller:
// tests/e2e/busy.test.ts.)
describeHere("a small runner on the simulated EC2", () => {
    let simulation: Simulation;
    let project: Ec2Project;

    beforeAll(async () => {
        simulation = Simulation.start();
        project = Ec2Project.createIn(simulation, "busy", {
            platforms: ["linux/amd64"],
            instanceTypes: { "linux/amd64": "t3.micro" },
            maxParallelism: 3,
        });
        project.context("image", [...fromStep, writes("built")]);
        project.configure({ images: { image: { context: "image" } } });
        await project.init();
        await project.succeed(project.up());
        await project.succeed(project.connect("laptop", "amd64"));
    }, 600_000);

    afterAll(() => project?.end());
    afterAll(() => simulation?.stop());

    const onRunner = async (command: string) =>
        (await simulation.execute(await project.instanceId("amd64"), command)).stdout.trim();
    const build = (context: string) => {
        const words = ["--builder", "native-buildx-busy-amd64", "--progress", "plain", "--provenance=false"];
        return project.start("buildx", ["build", ...words, "--output", "type=cacheonly", context], {
            env: project.homeOf("laptop"),
        });
    };

    it("outlives a step that eats all of its memory, and so does another build", async () => {
        const daemon = await onRunner("systemctl show --property MainPID --value buildkit");
        project.context("modest", [...fromStep, 'RUN ["/step", "eat", "50", "20"]', writes("undisturbed")]);
        const modest = build("modest");
        await until("the other build has its memory", () => modest.said().includes("holding 50 MiB"));
        expect(await onRunner("cat /proc/$(pidof -s step)/oom_score_adj")).toBe("1000");

        project.context("image", [...fromStep, 'RUN ["/step", "eat", "1500", "60"]']);
        const { code, output } = await project.up();
        expect(code).not.toBe(0);
        expect(output).toMatch(/The step (ran out of memory|was killed \(137\))/);

        await project.succeed(modest.done);
        expect(await onRunner("systemctl show --property MainPID --value buildkit")).toBe(daemon);
        expect(await onRunner("systemctl is-active buildkit")).toBe("active");
    });

    it("has its bound on steps and its history's age in BuildKit's configuration, and a group for its steps", async () => {
        const configuration = await onRunner("cat /etc/native-buildx/buildkitd.toml");
        expect(configuration).toContain("max-parallelism = 3\n");
        expect(configuration).toContain('maxAge = "168h"\n');
        expect(await onRunner("ls -d /sys/fs/cgroup/native-buildx/buildkit")).toBe(
            "/sys/fs/cgroup/native-buildx/buildkit",
        );
    });

    it("gets a faster volume in place", async () => {
        project.context("image", [...fromStep, writes("built")]);
        await project.succeed(project.up());
        project.configure({ cacheIops: 4000 });
        const { output } = await project.succeed(project.up());
        expect(output).toMatch(/^ +~ 1 updated$/m);
        expect(output).not.toContain("replaced");
        const filter = { Name: "tag:Name", Values: ["*-cache"] };
        const { Volumes } = await simulation.ec2.send(new DescribeVolumesCommand({ Filters: [filter] }));
        expect(Volumes).toMatchObject([{ VolumeType: "gp3", Iops: 4000, Throughput: 125 }]);
    });
});
