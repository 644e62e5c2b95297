import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { find } from "../../../tests/helpers/find";
import { allShells, type ConnectBench, connectBenchForEach, programs } from "./connectBench";

jest.setTimeout(60_000);

describe.each(allShells)("connect in %s", (shellName, shell) => {
    const { it, bench: benchOf } = connectBenchForEach(shellName, shell);
    let bench: ConnectBench;
    beforeEach(() => {
        bench = benchOf();
    });
    const both = { "demo-dev-amd64": "tcp://a:1", "demo-dev-arm64": "tcp://b:1" };
    const ready = "builder demo-dev is ready: linux/amd64 linux/arm64\n";
    const order = (file: string, text = "") => bench.write(file, text);

    it("wakes all platforms, registers a builder for each and one for all, and says so in a line", async () => {
        expect(await bench.connect()).toEqual({ status: 0, stdout: "end of script\n", stderr: ready });
        expect(bench.lines("woken").sort()).toEqual(["amd64", "arm64"]);
        expect(bench.nodesOf("demo-dev-amd64")).toEqual({ "demo-dev-amd64": "tcp://a:1" });
        expect(bench.nodesOf("demo-dev-arm64")).toEqual({ "demo-dev-arm64": "tcp://b:1" });
        expect(bench.nodesOf("demo-dev")).toEqual(both);
    });

    it("wakes and registers only the platforms it is asked for, and says that it is only those", async () => {
        const { status, stderr } = await bench.connect({ args: ["linux/arm64", "linux/arm64"] });
        expect([status, stderr]).toEqual([0, "builder demo-dev is ready: linux/arm64 only\n"]);
        expect(bench.lines("woken")).toEqual(["arm64"]);
        expect(bench.nodesOf("demo-dev")).toEqual({ "demo-dev-arm64": "tcp://b:1" });
        expect(bench.nodesOf("demo-dev-amd64")).toEqual({});
        expect(bench.buildxCalls("build").join()).not.toContain("amd64");
    });

    it("prints what serves in the place of a runner's own machine", async () => {
        order("served-by-arm64", "m7g.xlarge of arm64\n");
        const stdout = "arm64 is served by m7g.xlarge of arm64\nend of script\n";
        expect(await bench.connect()).toEqual({ status: 0, stdout, stderr: ready });
    });

    it("wakes side by side", async () => {
        order("slow-amd64");
        order("slow-arm64");
        const { closed } = bench.start();
        await bench.until(() => bench.lines("woken").length === 2);
        rmSync(bench.path("slow-amd64"));
        rmSync(bench.path("slow-arm64"));
        expect((await closed).status).toBe(0);
    });

    it("says which platforms there are when asked for another, and does nothing", async () => {
        expect(await bench.connect({ args: ["linux/riscv64"] })).toMatchObject({
            status: 1,
            stderr: "connect: this stack has no runner for platform 'linux/riscv64'; it has: linux/amd64 linux/arm64\n",
        });
        expect(bench.lines("woken")).toEqual([]);
        expect(existsSync(bench.path("home/.docker"))).toBe(false);
    });

    it("explains itself when it does not know an option", async () => {
        expect(await bench.connect({ args: ["--help"] })).toMatchObject({
            status: 1,
            stderr: "usage: connect [--prepare | --done] [--for NAME] [PLATFORM | RUNNER]...; this stack's platforms: linux/amd64 linux/arm64\n",
        });
    });

    it("fails with the runner's words when one cannot be woken; the other is woken all the same", async () => {
        order("asleep-arm64");
        const { status, stderr } = await bench.connect();
        expect(status).toBe(1);
        expect(stderr).toBe("stub runner arm64: no capacity\nconnect: not ready: linux/arm64\n");
        expect(bench.lines("woken").sort()).toEqual(["amd64", "arm64"]);
        expect(await bench.connect({ args: ["linux/amd64"] })).toMatchObject({ status: 0 });
        rmSync(bench.path("asleep-arm64"));
        expect(await bench.connect()).toMatchObject({ status: 0 });
        expect(bench.nodesOf("demo-dev")).toEqual(both);
    });

    describe("proves that the runners serve", () => {
        const failure = "failed to list workers: context deadline exceeded";

        it("and wakes a runner again that has stopped since it was found serving", async () => {
            order("dead-demo-dev-arm64", "3");
            order("restarts-arm64");
            const { status, stderr } = await bench.connect();
            expect(status).toBe(0);
            expect(stderr.endsWith(ready)).toBe(true);
            expect(bench.lines("woken").sort()).toEqual(["amd64", "arm64", "arm64", "arm64", "arm64"]);
        });

        it("all of them in one round: the others are proved again after it", async () => {
            order("dead-demo-dev-arm64", "1");
            order("restarts-arm64");
            expect(await bench.connect()).toMatchObject({ status: 0 });
            const proved = bench.lines("proved").map((line) => line.split(" ")[0]);
            expect(proved.slice(0, 2).sort()).toEqual(["demo-dev-amd64", "demo-dev-arm64"]);
            expect(proved.slice(2).sort()).toEqual(["demo-dev-amd64", "demo-dev-arm64"]);
        });

        it("and asks buildx for no proof of a runner at whose address nobody is: the others would stop meanwhile", async () => {
            bench.stubCurl();
            order("gone-b", "1");
            order("restarts-arm64");
            const { status, stderr } = await bench.connect();
            expect(status).toBe(0);
            expect(stderr).toBe(
                `linux/arm64: the runner at tcp://b:1 does not serve: nobody answers there any more\n${ready}`,
            );
            expect(bench.lines("proved").sort()).toEqual([
                "demo-dev-amd64 tcp://a:1",
                "demo-dev-amd64 tcp://a:1",
                "demo-dev-arm64 tcp://b:1",
            ]);
        });

        it("and gives a runner up that fails twice in the same start, saying why", async () => {
            order("dead-demo-dev-arm64");
            const { status, stderr } = await bench.connect();
            expect(status).toBe(1);
            const line = `linux/arm64: the runner at tcp://b:1 does not serve: ERROR: ${failure}\n`;
            expect(stderr).toBe(`${line}${line}connect: not ready: linux/arm64\n`);
            expect(bench.lines("woken").sort()).toEqual(["amd64", "arm64", "arm64"]);
            expect(readdirSync(bench.path("tmp"))).toEqual([]);
        });

        it("and gives a runner up that fails in every new start, after five", async () => {
            order("dead-demo-dev-arm64");
            order("restarts-arm64");
            const { status, stderr } = await bench.connect({ args: ["linux/arm64"] });
            expect(status).toBe(1);
            expect(stderr.match(/does not serve/g)).toHaveLength(5);
            expect(stderr).toMatch(/connect: not ready: linux\/arm64\n$/);
        });

        // The time limit counts sleeps of a second.
        const hurry = () =>
            bench.stub("sleep", `if [ "$1" = 1 ]; then exec ${find("sleep")} 0.1; fi\nexec ${find("sleep")} "$@"`);

        it("and takes one that answers while its builds wait for their turn for one that serves", async () => {
            hurry();
            order("busy-demo-dev-arm64");
            const { status, stderr } = await bench.connect();
            const busy =
                "linux/arm64: the runner answers and begins nothing new: it has as many steps as it does at once, and those of this build wait for their turn\n";
            expect(stderr).toBe(`${busy}${ready}`);
            expect(status).toBe(0);
            expect(() => process.kill(Number(bench.read("hanging")), 0)).toThrow("ESRCH");
        });

        it("and ends a proof that takes too long, saying that it did", async () => {
            hurry();
            order("hangs-demo-dev-arm64");
            const { status, stderr } = await bench.connect({ args: ["linux/arm64"] });
            expect(status).toBe(1);
            expect(stderr).toContain("linux/arm64: the runner at tcp://b:1 does not serve: no answer within 60 s\n");
            expect(() => process.kill(Number(bench.read("hanging")), 0)).toThrow("ESRCH");
        });
    });

    describe("on this machine", () => {
        it("says that it needs a HOME", async () => {
            expect(await bench.connect({ env: { HOME: undefined } })).toMatchObject({
                status: 1,
                stderr: "connect: HOME is not set, so there is no place for buildx's configuration. Set HOME, DOCKER_CONFIG or BUILDX_CONFIG.\n",
            });
            expect(bench.lines("woken")).toEqual([]);
        });

        it("registers where it is told to, with its keys, and is the same caller", async () => {
            expect(await bench.connect()).toMatchObject({ status: 0 });
            const before = bench.record("demo-dev");
            const own = bench.path("home/own");
            const endpoints = { amd64: "tcp://c:1", arm64: "tcp://d:1" };
            expect(await bench.connect({ args: ["--records", own], endpoints })).toMatchObject({ status: 0 });
            expect(bench.record("demo-dev")).toEqual(before);
            const { Nodes } = JSON.parse(bench.read("home/own/instances/demo-dev"));
            expect(Nodes).toMatchObject([{ Endpoint: "tcp://c:1" }, { Endpoint: "tcp://d:1" }]);
            for (const { DriverOpts } of Nodes) {
                expect(DriverOpts.key).toMatch(`${own}/native-buildx/demo-dev/`);
            }
            expect(new Set(bench.lines("callers")).size).toBe(1);
        });

        it("needs none where BUILDX_CONFIG is set, and links no plugin into a folder that it does not know", async () => {
            order("no-plugin");
            bench.stubBuildx();
            const env = { HOME: undefined, BUILDX_CONFIG: bench.path("home/store") };
            expect(await bench.connect({ env })).toMatchObject({ status: 0, stderr: ready });
            expect(JSON.parse(bench.read("home/store/instances/demo-dev")).Nodes).toHaveLength(2);
        });

        it("goes on after what may fail, also in a shell that would end there", async () => {
            order("no-plugin");
            bench.stubBuildx();
            const { status, stderr } = await bench.connect({ flags: ["-e"] });
            expect(status).toBe(0);
            expect(stderr).toMatch(/\nbuilder demo-dev is ready: linux\/amd64 linux\/arm64\n$/);
        });

        it("goes by DOCKER_CONFIG and BUILDX_CONFIG as buildx does", async () => {
            const env = {
                HOME: undefined,
                DOCKER_CONFIG: bench.path("home/other/docker"),
                BUILDX_CONFIG: bench.path("home/other/buildx-store"),
            };
            expect(await bench.connect({ env })).toMatchObject({ status: 0 });
            const [fingerprint] = readdirSync(
                bench.path("home/other/buildx-store/native-buildx/demo-dev/demo-dev-arm64"),
            );
            expect(fingerprint).toMatch(/^\d+-\d+$/);
            expect(JSON.parse(bench.read("home/other/buildx-store/instances/demo-dev")).Nodes).toHaveLength(2);
        });

        it("gives buildx whole paths where DOCKER_CONFIG is none", async () => {
            expect(await bench.connect({ env: { DOCKER_CONFIG: ".docker" } })).toMatchObject({ status: 0 });
            for (const { DriverOpts } of bench.record("demo-dev")) {
                expect(DriverOpts.key).toContain(bench.path("home/.docker/buildx/native-buildx/demo-dev/"));
            }
        });

        it("leaves standard input, which the script is on, to the shell", async () => {
            // More than a shell reads in advance: whoever else read would get some of it.
            const after = "# not for others\n".repeat(10_000);
            const { stdout } = await bench.connect({ after });
            expect(stdout).toBe("end of script\n");
            expect(bench.read("stdin")).toBe("");
        });

        it.each([
            ["SIGTERM", 143],
            ["SIGINT", 130],
            ["SIGHUP", 143],
        ] as const)("on %s ends with status %d and leaves no folder behind", async (signal, status) => {
            order("slow-arm64");
            const { child, exited } = bench.start();
            await bench.until(() => bench.lines("woken").length === 2);
            expect(readdirSync(bench.path("tmp"))).toHaveLength(1);
            child.kill(signal);
            expect((await exited).status).toBe(status);
            expect(readdirSync(bench.path("tmp"))).toEqual([]);
        });

        it("leaves no folder behind where the temporary folder's name has a quote", async () => {
            order("t'mp/there");
            expect(await bench.connect({ env: { TMPDIR: bench.path("t'mp") } })).toMatchObject({ stderr: ready });
            expect(readdirSync(bench.path("t'mp"))).toEqual(["there"]);
        });

        it("says that it cannot write where buildx's configuration is, before it wakes", async () => {
            writeFileSync(bench.path("home/.docker"), "a file\n");
            chmodSync(bench.path("home/.docker"), 0o600);
            const { status, stderr } = await bench.connect();
            expect(status).toBe(1);
            expect(stderr).toMatch(
                /^connect: cannot write to \S+\/\.docker\/buildx, where buildx keeps its builders\. Set /,
            );
            expect(bench.lines("woken")).toEqual([]);
            // As it says.
            const env = { BUILDX_CONFIG: bench.path("home/elsewhere") };
            expect(await bench.connect({ env })).toMatchObject({ status: 0, stderr: ready });
        });
    });

    describe("prepares", () => {
        it("with --prepare only, once a kind, and needs neither buildx nor HOME", async () => {
            rmSync(bench.path("bin/docker"));
            expect(await bench.connect({ args: ["--prepare"], env: { HOME: undefined } })).toMatchObject({
                status: 0,
                stderr: "",
            });
            expect(bench.lines("prepared")).toEqual(["registry"]);
            expect(bench.lines("woken")).toEqual([]);
        });

        it("once, before it wakes, and goes no further if that fails", async () => {
            await bench.connect();
            expect(bench.lines("prepared")).toEqual(["registry"]);
            order("unprepared");
            rmSync(bench.path("woken"));
            expect(await bench.connect()).toMatchObject({
                status: 1,
                stderr: "registry: did not start\nconnect: could not prepare the registry\n",
            });
            expect(bench.lines("woken")).toEqual([]);
            expect(await bench.connect({ args: ["--prepare"] })).toMatchObject({ status: 1 });
        });
    });

    it("shows no key in the arguments of any process", async () => {
        for (const program of programs) {
            bench.stub(program, `exec ${find(program)} "$@"`);
        }
        bench.stubCurl();
        await bench.connect();
        await bench.connect();
        expect(bench.calls.length).toBeGreaterThan(10);
        expect(bench.read("calls")).not.toMatch(/CERTIFICATEBODY|KEYBODY/);
    });
});
