import { appendFileSync, cpSync, linkSync } from "node:fs";
import { connect } from "node:net";
import * as path from "node:path";
import { StopInstancesCommand } from "@aws-sdk/client-ec2";
import { administratorPolicy } from "../../components/ci/administratorPolicy";
import { policiesOfAccount, replay, rolePolicies, Simulation } from "../../packages/simulated-ec2";
import { until } from "../e2e/processes";
import { debianRoot } from "../helpers/debianRoot";
import { describeHere } from "../helpers/needs";
import { fromStep } from "../helpers/stepImage";
import { Ec2Project } from "./ec2Project";

jest.setTimeout(1_200_000);

/** Seconds without a job after which a runner is idle, where that is tested. */
const idle = 10;
const first = "amd64";
const second = "amd64_2";
/** To icecream every node is a machine of its own, and the load of this one that of all nodes: it would hand out no job. */
const looksIdle = `folder=/etc/systemd/system/native-buildx-cluster.service.d && mkdir -p $folder &&
    echo 'cpu  0 0 0 100 0 0 0 0 0 0' >/etc/idle &&
    printf '[Service]\\nBindReadOnlyPaths=/etc/idle:/proc/stat\\n' >$folder/idle.conf && systemctl daemon-reload`;
const ports = { scheduler: 8765, daemon: 10245 };

// Two runners become a compile cluster by themselves. What icecream itself does, and its faults: the engine's own tests.
describeHere("a compile cluster on the simulated EC2", () => {
    let simulation: Simulation;
    let project: Ec2Project;
    let emptyAccount: Awaited<ReturnType<Simulation["account"]>>;
    const ids: { [runner: string]: string } = {};

    beforeAll(async () => {
        simulation = Simulation.start();
        await simulation.enforcePolicies();
        emptyAccount = await simulation.account();
        project = Ec2Project.createIn(simulation, "clustered", {
            platforms: ["linux/amd64"],
            runnersPerPlatform: 2,
            compileCluster: true,
            idleMinutes: 60,
            forceDelete: true,
            images: {},
        });
        project.context("nothing", ["FROM scratch", "COPY Dockerfile /"]);
        await project.init();
        await project.succeed(project.up());
        for (const [runner, { id }] of Object.entries((await project.outputs()).runners)) {
            ids[runner] = id;
            await simulation.execute(id, looksIdle);
        }
        const folder = path.join(project.folder, "compiled");
        cpSync(path.join(__dirname, "compileCluster"), folder, { recursive: true });
        linkSync(debianRoot(project.folder, "amd64"), path.join(folder, "rootfs.tar"));
    }, 600_000);

    afterAll(() => project?.end());
    afterAll(() => simulation?.stop());

    const on = async (runner: string, command: string) =>
        (await simulation.execute(ids[runner] ?? "", command)).stdout.trim();
    const consoleOf = (runner: string) => simulation.console(ids[runner] ?? "");
    const addressOf = async (runner: string) => (await simulation.describe(ids[runner] ?? "")).PrivateIpAddress ?? "";
    /** Clock ticks that it has compiled for others. */
    const helpOf = async (runner: string) =>
        Number(
            await on(
                runner,
                "CLUSTER_FOLDER=/var/lib/native-buildx/cluster /usr/local/lib/native-buildx/cluster-recipe/cluster.sh helped",
            ),
        );
    const state = async (runner: string) => (await simulation.describe(ids[runner] ?? "")).State?.Name;

    it("is made of both runners, with the first one's scheduler, while BuildKit serves", async () => {
        await project.succeed(
            project.run("sh", ["-s", "--", first, second], connecting(await project.connectScript())),
        );
        for (const runner of [first, second]) {
            const isIn = async () => /in the compile cluster, at/.test(await consoleOf(runner));
            await until(`${runner} to be in the compile cluster`, isIn, 900);
        }
        const scheduler = await addressOf(first);
        for (const runner of [first, second]) {
            const used = async () =>
                (await consoleOf(runner)).match(/compile cluster: uses the scheduler at \S+/g)?.at(-1);
            const isThat = async () => (await used())?.endsWith(` ${scheduler}`) === true;
            await until(`${runner} to use the first one's scheduler`, isThat, 60);
        }
        expect(await on(first, "cat /var/lib/native-buildx/cluster/members")).toBe(
            `${first} ${scheduler}\n${second} ${await addressOf(second)}`,
        );
    });

    function connecting(script: string) {
        return { input: script, env: project.homeOf("laptop") };
    }

    it("compiles an image's files on both, and each as at home; the runner that sleeps is woken for it", async () => {
        const help = () => Promise.all([first, second].map(helpOf));
        const before = await help();
        await simulation.ec2.send(new StopInstancesCommand({ InstanceIds: [ids[second] ?? ""] }));
        await simulation.awaitState(ids[second] ?? "", "stopped");
        project.configure({ images: { compiled: { context: "compiled", compileCluster: "wake" } } });
        await project.succeed(project.up());
        expect(await state(second)).toBe("running");
        // The image's own runner is one of the two, whichever: its steps compile in themselves.
        const helped = (await help()).map((ticks, at) => ticks - (before[at] ?? 0));
        expect(Math.max(...helped)).toBeGreaterThan(0);
        expect(await project.fileIn("compiled", "amd64", "where")).toBe("/dev/.compile-cluster/bin/gcc\n");
        expect(await project.fileIn("compiled", "amd64", "count")).toBe("16\n");
    });

    it("is nothing that makes an image another", async () => {
        project.configure({ images: { compiled: { context: "compiled" } } });
        const { output } = await project.succeed(project.up());
        expect(output).not.toMatch(/PlatformImage.*updat/);
        expect(output).not.toContain("built for linux/amd64");
    });

    it("listens to the runners only, and lets build steps reach nodes and no scheduler", async () => {
        const { PublicIpAddress: outside = "" } = await simulation.describe(ids[first] ?? "");
        for (const port of Object.values(ports)) {
            expect(await takesConnection(outside, port)).toBe(false);
        }
        expect(await takesConnection(outside, 9753)).toBe(true);
        const other = await addressOf(second);
        const own = await addressOf(first);
        const closed = [`${other}:${ports.scheduler}`, `${other}:8766`, `${other}:9753`, `${own}:${ports.scheduler}`];
        const addresses = [`${other}:${ports.daemon}`, ...closed].map((address) => `"${address}"`).join(", ");
        project.context("attempt", [...fromStep, `RUN ["/step", "reach", ${addresses}]`]);
        const build = [
            "build",
            "--builder",
            `native-buildx-clustered-${first}`,
            "--platform",
            "linux/amd64",
            "--no-cache",
        ];
        const { output } = await project.succeed(
            project.run("buildx", [...build, "--progress=plain", "--output", "type=cacheonly", "attempt"], {
                env: project.homeOf("laptop"),
            }),
        );
        expect(output).toContain(`reached ${other}:${ports.daemon}`);
        for (const address of closed) {
            expect(output).toContain(`cannot reach ${address}`);
        }
    });

    it("gives what compiles there for others neither credentials nor a way out", async () => {
        const as = (user: string, url: string) =>
            on(
                first,
                `setpriv --reuid=${user} --clear-groups curl -s -o /dev/null -m 3 -w '%{http_code}' -X PUT ${url}`,
            );
        const metadata = "http://169.254.169.254/latest/api/token";
        const registry = `https://${simulation.environment.SIM_REGISTRY}/v2/`;
        expect(await as("root", registry)).not.toBe("000");
        for (const url of [metadata, registry]) {
            expect(await as("compile-node", url)).toBe("000");
            expect(await as("compile-scheduler", url)).toBe("000");
        }
        const users = await on(first, "ps -eo user:20,args | grep -E ' --argv0 (iceccd|icecc-scheduler) '");
        expect(users).toMatch(/^compile-node .*iceccd/m);
        expect(users).toMatch(/^compile-scheduler .*icecc-scheduler/m);
        expect(users).not.toMatch(/^root .*engine/m);
    });

    it("keeps a runner awake that compiles for others, and powers it off when it only waits", async () => {
        const folder = path.join(project.folder, "helped");
        cpSync(path.join(project.folder, "compiled"), folder, { recursive: true });
        // Compiles until it is ended.
        const endless = "while :; do ls *.c | xargs -P 4 -I FILE gcc -O2 -c -o /tmp/FILE.o FILE; done";
        const step = `FROM sources\nARG COMPILE_CLUSTER\nRUN cd /src && PATH="$COMPILE_CLUSTER:$PATH" && ${endless}\n`;
        appendFileSync(path.join(folder, "Dockerfile"), step);
        const builder = ["--builder", `native-buildx-clustered-${first}`, "--platform", "linux/amd64"];
        const words = [
            "--build-arg",
            "COMPILE_CLUSTER=/dev/.compile-cluster/bin",
            "--output",
            "type=cacheonly",
            "helped",
        ];
        const before = await helpOf(second);
        const build = project.start("buildx", ["build", ...builder, ...words], { env: project.homeOf("laptop") });
        try {
            await until("the second helps", async () => (await helpOf(second)) > before);
            const settings = "/usr/local/lib/native-buildx/settings";
            await on(
                second,
                `sed -i 's/^idle_seconds=.*/idle_seconds=${idle}/; s/^look_seconds=.*/look_seconds=1/' ${settings}`,
            );
            await on(second, "systemctl restart native-buildx-idle");
            await new Promise((resolve) => setTimeout(resolve, 2 * idle * 1000));
            expect(await state(second)).toBe("running");
            expect(build.child.exitCode).toBe(null);
        } finally {
            build.child.kill();
        }
        await build.done;
        const { StateReason } = await simulation.awaitState(ids[second] ?? "", "stopped");
        expect(StateReason?.Code).toBe("Client.InstanceInitiatedShutdown");
        expect(await consoleOf(second)).toContain("powering off");
    });

    it("leaves nothing in the account, and took no call that docs/aws-permissions.json or the caller's role does not allow", async () => {
        const { policiesOf, trustOf } = policiesOfAccount(await rolePolicies(simulation), [administratorPolicy()]);
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));
        expect(await simulation.account()).toEqual(emptyAccount);
        const calls = (await simulation.calls()).filter(({ action }) => action !== "iam:ListRoles");
        expect(replay(calls, policiesOf, trustOf).refused).toEqual([]);
    });
});

function takesConnection(host: string, port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect({ host, port, timeout: 2000 });
        const end = (result: boolean) => {
            socket.destroy();
            resolve(result);
        };
        socket.on("connect", () => end(true));
        socket.on("error", () => end(false));
        socket.on("timeout", () => end(false));
    });
}
