import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { totalmem } from "node:os";
import * as path from "node:path";
import { shells, Workbench } from "../../tests/helpers/workbench";

const script = path.join(__dirname, "steps.sh");
const mib = 2 ** 20;

describe.each(shells)("build steps in %s", (_name, shell) => {
    let bench: Workbench;
    beforeEach(() => {
        bench = new Workbench();
        mkdirSync(bench.path("groups/memory"), { recursive: true });
    });
    afterEach(() => bench.dispose());

    const run = (command: string) =>
        bench.run([...shell, "-c", `set -eu; . ${script}; control_groups='${bench.path("groups")}'; ${command}`]);
    const group = (file: string) => bench.read(`groups/${file}`);

    it.each([
        [1, 4],
        [2, 4],
        [8, 16],
    ])("of a machine with %d cores are %d at once, where the configuration leaves that to it", async (cores, bound) => {
        bench.stub("nproc", `echo ${cores}`);
        bench.write("free.toml", "[worker.oci]\n");
        bench.write("bound.toml", "[worker.oci]\n  max-parallelism = 3\n");
        const option = async (file: string) => (await run(`parallelism_option ${bench.path(file)}`)).stdout;
        expect(await option("free.toml")).toBe(`--oci-max-parallelism=${bound}\n`);
        expect(await option("bound.toml")).toBe("");
    });

    it.each([
        ["a gigabyte", 1024, 512],
        ["two", 2048, 1536],
        ["eight", 8192, 7372],
        ["a small one", 600, 300],
    ])("leave BuildKit and the system enough on a machine of %s", async (_size, machine, steps) => {
        bench.stub("awk", `sed 's/^MemTotal:.*/MemTotal: ${machine * 1024} kB/' /proc/meminfo | /usr/bin/awk "$1"`);
        expect((await run("step_memory 0")).stdout).toBe(`${steps}\n`);
    });

    it("have a share of what the runner may use, where that is not all of its machine", async () => {
        const share = await bench.run([...shell, "-c", `. ${script}; step_memory 0; parallelism_option /dev/null`], {
            env: { machine_megabytes: "2048", machine_cores: "7" },
        });
        expect(share.stdout).toBe("1536\n--oci-max-parallelism=14\n");
    });

    it("have what the setting says, or most of this machine", async () => {
        expect((await run("step_memory 300")).stdout).toBe("300\n");
        const most = Number((await run("step_memory 0")).stdout) * mib;
        expect(most).toBeLessThan(totalmem());
        expect(most).toBeGreaterThan(totalmem() / 2);
    });

    it("have a group with that limit, in control groups of either version", async () => {
        expect(await run("limit_steps mine 64")).toEqual({ status: 0, stdout: "", stderr: "" });
        expect(group("memory/mine/memory.limit_in_bytes")).toBe(`${64 * mib}\n`);
        expect(group("memory/mine/memory.memsw.limit_in_bytes")).toBe(`${64 * mib}\n`);
        bench.write("groups/cgroup.controllers", "cpu memory\n");
        expect(await run("limit_steps mine 64")).toEqual({ status: 0, stdout: "", stderr: "" });
        expect(group("cgroup.subtree_control")).toBe("+memory\n");
        expect(group("mine/memory.max")).toBe(`${64 * mib}\n`);
        expect(group("mine/memory.swap.max")).toBe("0\n");
        // A group within another has its limit from that.
        mkdirSync(bench.path("groups/pod"));
        expect((await run("limit_steps pod/mine 64")).status).toBe(0);
        expect(group("pod/cgroup.subtree_control")).toBe("+memory\n");
        expect(group("pod/mine/memory.max")).toBe(`${64 * mib}\n`);
    });

    it("say where they cannot be limited, and why", async () => {
        bench.write("none");
        const { status, stdout, stderr } = await run(`control_groups=${bench.path("none")}; limit_steps mine 64`);
        expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
        expect(stdout).toMatch(/no limit here: that needs root and a memory controller in .*none\n$/);
    });

    it("leave no group behind, and no other's group is touched", async () => {
        for (const folder of ["memory/mine/buildkit/a", "cpu/mine/buildkit", "mine", "memory/other", "other"]) {
            mkdirSync(bench.path(`groups/${folder}`), { recursive: true });
        }
        expect(await run("release_steps mine")).toEqual({ status: 0, stdout: "", stderr: "" });
        const left = ["memory/mine", "cpu/mine", "mine", "memory/other", "other"].filter((name) =>
            existsSync(bench.path(`groups/${name}`)),
        );
        expect(left).toEqual(["memory/other", "other"]);
    });

    it.each(["limit_steps '' 64", "release_steps ''"])("are never all groups there are: %s", async (command) => {
        expect((await run(command)).status).not.toBe(0);
        expect(existsSync(bench.path("groups/memory/memory.limit_in_bytes"))).toBe(false);
    });

    it.each(["buildkit-runc", "runc"])("are run by %s, and are what the kernel ends first", async (runtime) => {
        bench.stub(runtime, 'cp /proc/self/oom_score_adj "$bench/adjusted"; exit 7');
        const { status } = await bench.run([...shell, path.join(__dirname, "stepRuntime.sh"), "run", "a b"]);
        expect(status).toBe(7);
        expect(bench.calls).toEqual([`${runtime} run a b`]);
        expect(readFileSync(bench.path("adjusted"), "utf8")).toBe("1000\n");
    });
});
