import { StartInstancesCommand, StopInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { Simulation } from "../../packages/simulated-ec2";
import { inMidBuild } from "../e2e/midBuild";
import { until } from "../e2e/processes";
import { describeHere } from "../helpers/needs";
import { type Arch, archs, asleepFor, fromStep, writes } from "../helpers/stepImage";
import { Ec2Project } from "./ec2Project";

jest.setTimeout(400_000);

// Each fault ends with the right image after the next up, with nothing lost and nothing to repair by hand.
describeHere("faults of runners on the simulated EC2", () => {
    let simulation: Simulation;
    let project: Ec2Project;
    const settings = { idleMinutes: 15, forceDelete: true, images: { image: { context: "image" } } };

    beforeAll(async () => {
        simulation = Simulation.start();
        project = Ec2Project.createIn(simulation, "faults", settings);
        project.context("image", [...fromStep, writes("at first")]);
        project.context("nothing", ["FROM scratch", "COPY Dockerfile /"]);
        await project.init();
        await project.succeed(project.up());
    }, 600_000);

    afterAll(() => project?.end());
    afterAll(() => simulation?.stop());

    beforeEach(() => project.configure({ images: { image: { context: "image" } } }));

    afterEach(() =>
        simulation.setFaults({
            no_capacity: [],
            no_capacity_late: [],
            throttled: [],
            metadata_delay_seconds: 0,
            pending_seconds: null,
            stopping_seconds: null,
            login_seconds: null,
        }),
    );

    const change = (...steps: string[]) => project.context("image", [...fromStep, ...steps]);

    async function expectImage(text: string): Promise<void> {
        await project.succeed(project.up());
        expect(await project.platformsOf("image")).toEqual(["linux/amd64", "linux/arm64"]);
        for (const arch of archs) {
            expect(await project.fileIn("image", arch, "result")).toBe(text);
        }
    }

    const asleepInstances = async (InstanceIds: string[]) => {
        await simulation.ec2.send(new StopInstancesCommand({ InstanceIds }));
        await Promise.all(InstanceIds.map((id) => simulation.awaitState(id, "stopped")));
    };
    const asleep = async (...stopped: Arch[]) =>
        asleepInstances(await Promise.all(stopped.map((arch) => project.instanceId(arch))));

    it.each<[string, () => Promise<unknown>]>([
        ["serving", async () => undefined],
        ["stopped", () => asleep("amd64")],
        [
            "stopping",
            async () => {
                await simulation.setFaults({ stopping_seconds: 3 });
                const InstanceIds = [await project.instanceId("amd64")];
                await simulation.ec2.send(new StopInstancesCommand({ InstanceIds }));
                expect(await project.state("amd64")).toBe("stopping");
            },
        ],
        [
            "pending",
            async () => {
                await asleep("amd64");
                await simulation.setFaults({ pending_seconds: 3 });
                const InstanceIds = [await project.instanceId("amd64")];
                await simulation.ec2.send(new StartInstancesCommand({ InstanceIds }));
                expect(await project.state("amd64")).toBe("pending");
            },
        ],
        [
            "running, but its metadata service is slow at boot",
            async () => {
                await asleep("amd64");
                await simulation.setFaults({ metadata_delay_seconds: 8 });
            },
        ],
    ])("connects to a runner that is %s", async (_state, arrange) => {
        await arrange();
        await project.connectAndBuild("laptop", "amd64");
    });

    it("lets two machines connect at once to runners that are asleep", async () => {
        await asleep(...archs);
        await Promise.all(["laptop", "ci"].map((machine) => project.connectAndBuild(machine, ...archs)));
    });

    it("gets over an API that refuses calls for being too many", async () => {
        await asleep("amd64");
        await simulation.setFaults({ throttled: ["ec2:DescribeInstances"] });
        const running = project.connect("laptop", "amd64");
        for (const [throttled, next] of [
            ["ec2:DescribeInstances", ["ec2:StartInstances"]],
            ["ec2:StartInstances", []],
        ] as const) {
            await until(`${throttled} to be refused`, async () =>
                (await simulation.calls()).some(
                    ({ action, error }) => action === throttled && error === "RequestLimitExceeded",
                ),
            );
            await simulation.setFaults({ throttled: [...next] });
        }
        await project.succeed(running);
    });

    it("builds the right image after a runner was powered off in mid-build", async () => {
        change(asleepFor(8), writes("despite the power cut"));
        const running = project.startUp();
        await inMidBuild(running, "arm64");
        await simulation.pullThePlug(await project.instanceId("arm64"));
        const { code } = await running.done;

        expect(code).not.toBe(0);
        await expectImage("despite the power cut");
    });

    it("says that the disk is full, and builds once there is room", async () => {
        const id = await project.instanceId("amd64");
        const fill =
            "fallocate -l $(($(df --output=avail -B1 /var/lib/buildkit | tail -n 1) - 50000000)) /var/lib/buildkit/full";
        expect(await simulation.execute(id, fill)).toMatchObject({ status: 0 });
        change('RUN ["/step", "fill", "/filling", "100"]', writes("fits"));
        const { code, output } = await project.up();
        expect(code).not.toBe(0);
        expect(output).toMatch(/no space left on device/);

        await simulation.execute(id, "rm /var/lib/buildkit/full");
        await expectImage("fits");
    });

    it("collects cache while a build runs that needs the room", async () => {
        const id = await project.instanceId("amd64");
        const space = (megabytes: number) =>
            `fallocate -l $(($(df --output=avail -B1 /var/lib/buildkit | tail -n 1) - ${megabytes}000000)) /var/lib/buildkit/full`;
        const build = (...steps: string[]) => {
            project.context("nothing", [...fromStep, ...steps]);
            return project.connectAndBuild("laptop", "amd64");
        };
        await build('RUN ["/step", "fill", "/cached", "400"]');
        // As if the next build itself had written so much: BuildKit collects after builds.
        expect(await simulation.execute(id, space(300))).toMatchObject({ status: 0 });
        // Longer than between two looks of the runner.
        await build(asleepFor(20), 'RUN ["/step", "fill", "/filling", "350"]');
        await simulation.execute(id, "rm /var/lib/buildkit/full");
    });

    it("asks for a new registry login when half of its life is over, and loses nothing when one expires in a long build", async () => {
        await simulation.setFaults({ login_seconds: 35 });
        // Together longer than a login lasts, but neither of them.
        project.context("first", [...fromStep, asleepFor(18), writes("first")]);
        project.context("second", ["FROM first", asleepFor(18.5), writes("second")]);
        project.configure({ images: { first: { context: "first" }, second: { context: "second", bases: ["first"] } } });
        await project.succeed(project.up());
        expect(await project.fileIn("second", "amd64", "result")).toBe("second");

        project.configure({ images: { image: { context: "image" } } });
        change(asleepFor(37), writes("in the end"));
        const { code, output } = await project.up();
        expect(code).not.toBe(0);
        expect(output).toContain("The registry refused the push: the login is missing, expired, wrong");
        // Its long step is not run again.
        await simulation.setFaults({ login_seconds: null });
        await expectImage("in the end");
    });

    it("fails with what was tried when EC2 has no capacity and there is nothing to fall back on", async () => {
        await asleep("arm64");
        await simulation.setFaults({ no_capacity: ["c7g.*"] });
        const { code, output } = await project.connect("laptop", "arm64");

        expect(code).not.toBe(0);
        expect(output).toMatch(/no capacity for c7g\.xlarge/);
        expect(output).toMatch(
            /no capacity: tried c7g\.xlarge \(i-\w+\)\. Try again later, or give the platform other/,
        );
    });

    it("takes a stand-in of another type when there is no capacity for one, then emulates, loudly", async () => {
        await asleep("arm64");
        project.configure({
            fallbackInstanceTypes: { "linux/arm64": ["m7g.xlarge"] },
            emulateOn: { "linux/arm64": "linux/amd64" },
            // They have a story of their own.
            nativeCompilers: false,
        });
        await project.succeed(project.up());
        // It is told only when it is waiting for capacity: accepted, pending, and back.
        await simulation.setFaults({ no_capacity_late: ["c7g.*"] });
        change(writes("by a stand-in"));
        const standIn = await project.succeed(project.up());
        expect(standIn.output).toMatch(/no capacity for c7g\.xlarge/);
        expect(standIn.output).toMatch(/trying this stand-in, m7g\.xlarge/);
        expect(standIn.output).toMatch(/warning: .*WARNING: stand-in m7g\.xlarge serves: tried c7g\.xlarge/);
        expect(standIn.output).toMatch(/builds: .*arm64 \d+ s on m7g\.xlarge: price of a stand-in not known/);
        expect(await project.fileIn("image", "arm64", "result")).toBe("by a stand-in");

        await simulation.setFaults({ no_capacity_late: [] });
        await asleepInstances(await simulation.instancesOf("m7g.xlarge"));
        await simulation.setFaults({ no_capacity: ["c7g.*", "m7g.*"] });
        change(writes("emulated"));
        const emulated = await project.succeed(project.up());
        expect(emulated.output).toMatch(/warning: .*WARNING: arm64 will be EMULATED on the amd64 runner/);
        expect(emulated.output).toMatch(/builds: amd64 \d+ s on c7i\.xlarge, arm64 emulated: \$/);
        expect(await project.fileIn("image", "arm64", "result")).toBe("emulated");

        await simulation.setFaults({ no_capacity: [] });
        project.configure({ fallbackInstanceTypes: {}, emulateOn: {} });
        await expectImage("emulated");
    });

    it("names the remedy for a runner that somebody terminated, which brings it back", async () => {
        const InstanceIds = [await project.instanceId("arm64")];
        await simulation.ec2.send(new TerminateInstancesCommand({ InstanceIds }));
        const { code, output } = await project.connect("laptop", "arm64");
        expect(code).not.toBe(0);
        expect(output).toMatch(
            /is (shutting-down|terminated)\. If somebody deleted it: pulumi up --refresh makes a new one/,
        );

        change(writes("on a new runner"));
        await project.succeed(project.pulumi("up", "--refresh", "--yes", "--skip-preview"));
        await expectImage("on a new runner");
    });
});
