import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { kill } from "../../../../tests/e2e/processes";
import { histories } from "../../../../tests/helpers/histories";
import { shells } from "../../../../tests/helpers/workbench";
import { until } from "../../local/localRunnerBench";
import { PodBench } from "./podBench";

// Time counts in seconds.
jest.setTimeout(60_000);

const scale = "PATCH /apis/apps/v1/namespaces/demo-prod/statefulsets/arm64-2/scale HTTP/1.1";

describe.each(shells)("idle.sh of a pod in %s", (_name, shell) => {
    let bench: PodBench;
    let client: ChildProcess | undefined;

    beforeEach(() => {
        bench = new PodBench(shell);
        // A build that arrives when the door is closed already.
        bench.stub(
            "buildctl",
            'if [ -e "$bench/late" ] && [ ! -e "$bench/sockets/buildkitd.sock" ]; then cat "$bench/late"; else cat "$bench/histories"; fi',
        );
        bench.stub(
            "openssl",
            `request=$(cat)
            printf '%s\\n' "$request" >>"$bench/requests"
            [ ! -e "$bench/scaled.sh" ] || . "$bench/scaled.sh"
            case $request in *'"replicas":0'*) cat "$bench/scaled" ;; *) cat "$bench/asked" ;; esac`,
        );
        bench.stub("sleep", "/bin/sleep 0.2");
        bench.stub("df", 'printf "x\\nx 0 0 %s\\n" "$(cat "$bench/free" 2>/dev/null || echo 99000000)"');
        bench.write("scaled", answer("{}"));
        bench.write("asked", answer("{}"));
        bench.write("histories", histories(3600));
        bench.write("sockets/buildkitd.sock");
        bench.layOut({ idle_seconds: 1, grace_seconds: 2 });
    });
    afterEach(() => {
        client?.kill("SIGKILL");
        client = undefined;
        bench.dispose();
    });

    const answer = (spec: string) =>
        `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"kind":"Scale","spec":${spec},"status":{"replicas":1}}`;
    /** Runs it until something has happened, or for long enough that it would have. Resolves to what it said. */
    async function idle(happened?: () => boolean): Promise<string> {
        const end = Date.now() + (happened ? 20_000 : 2000);
        const env = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" };
        const pod = bench.start("idle.sh", env, String(process.pid));
        while (pod.isRunning() && Date.now() < end && !happened?.()) {
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
        // It goes on for ever.
        expect(pod.isRunning()).toBe(true);
        return pod.end();
    }
    /** All but the first, which changes nothing. */
    const requests = () => (bench.read("requests").match(/^PATCH .*(?=\r)/gm) ?? []).slice(1);
    const isOpen = () => existsSync(bench.socket);

    /** A process that the script takes for a client's. */
    function connect(): number {
        client = spawn("/bin/sleep", ["60"]);
        const { pid = 0 } = client;
        bench.write(`processes/${pid}/cmdline`, "buildctl\0dial-stdio\0");
        return pid;
    }
    const stateOf = (pid: number) => / \(sleep\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];

    it("closes the door and scales to 0 when nothing was built for long enough", async () => {
        const stderr = await idle(() => requests().length > 1);
        expect(requests()[0]).toBe(scale);
        expect(bench.read("requests")).toContain('\r\n\r\n{"spec":{"replicas":0}}');
        expect(stderr).toBe("native-buildx: unused for 1 s: scaled to 0\n");
        expect(isOpen()).toBe(false);
        expect(existsSync(bench.path("run/asleep"))).toBe(true);
    });

    it.each([
        ["a build runs", () => void bench.write("histories", histories("running"))],
        ["a build has just ended", () => void bench.write("histories", histories(-30))],
        ["BuildKit does not answer", () => bench.stub("buildctl", "exit 1")],
    ])("stays awake while %s", async (_when, arrange) => {
        arrange();
        await idle();
        expect(requests()).toEqual([]);
        expect(isOpen()).toBe(true);
    });

    it("never sleeps where that is configured", async () => {
        bench.layOut({ idle_seconds: 0 });
        await idle();
        expect(bench.read("requests")).toBe("");
    });

    it("opens the door again for a client that begins a build after it closed", async () => {
        const pid = connect();
        bench.write("late", histories("running"));
        let closed = 0;
        await idle(() => {
            closed += closed % 2 === Number(isOpen()) ? 1 : 0;
            return closed > 2;
        });
        // It was closed and open in turn.
        expect(closed).toBeGreaterThan(2);
        expect(requests()).toEqual([]);
        expect(stateOf(pid)).not.toBe("T");
    });

    it("is not kept awake by a client without a build, which is stopped for the last look", async () => {
        const pid = connect();
        await idle(() => requests().length > 0);
        expect(requests()[0]).toBe(scale);
        expect(stateOf(pid)).toBe("T");
    });

    it("serves on, and says why once, where it cannot be scaled", async () => {
        const pid = connect();
        const words = 'statefulsets.apps \\"arm64-2\\" is forbidden';
        bench.write("scaled", `HTTP/1.1 403 Forbidden\r\n\r\n{"kind":"Status","message":"${words}","code":403}`);
        // After the second time a build runs.
        bench.write("busy", histories("running"));
        bench.write(
            "scaled.sh",
            `[ "$(grep -c replicas '${bench.path("requests")}')" -lt 2 ] || cp '${bench.path("busy")}' '${bench.path("histories")}'\n`,
        );
        const stderr = await idle(() => requests().length === 2 && isOpen() && stateOf(pid) !== "T");
        expect(requests()).toEqual([scale, scale]);
        expect(stderr).toBe(
            "native-buildx: cannot scale StatefulSet arm64-2 to 0: statefulsets.apps 'arm64-2' is forbidden\n",
        );
        expect(isOpen()).toBe(true);
        expect(["S", "R"]).toContain(stateOf(pid));
    });

    it("says as soon as it serves that it will not sleep, where it cannot be scaled", async () => {
        bench.layOut({ idle_seconds: 3600 });
        bench.write("asked", "");
        const stderr = await idle(() => bench.calls.some((call) => call.startsWith("df ")));
        expect(stderr).toMatch(
            /^native-buildx: will not sleep as long as .* arm64-2 cannot be scaled: no answer from /,
        );
        expect(bench.read("requests")).toMatch(/\r\n\r\n\{\}\n$/);
    });

    it("serves on where it was woken before the cluster ended the pod", async () => {
        bench.write("asked", answer('{"replicas":1}'));
        bench.stub(
            "buildctl",
            'if grep -q replicas "$bench/requests" && [ -e "$bench/sockets/buildkitd.sock" ]; then cat "$bench/running"; else cat "$bench/histories"; fi',
        );
        bench.write("running", histories("running"));
        const stderr = await idle(() => requests().length > 5 && isOpen());
        expect(stderr).toContain("woken before the pod was ended: serving on\n");
        expect(isOpen()).toBe(true);
        expect(existsSync(bench.path("run/asleep"))).toBe(false);
    });

    it("collects cache while a build fills the volume, and only then", async () => {
        bench.write("histories", histories("running"));
        const prunes = () => bench.calls.filter((call) => call.includes("prune"));
        await idle();
        expect(prunes()).toEqual([]);
        // A tenth of 100 GiB is 10,737 MB.
        bench.write("free", "10000000");
        await idle(() => prunes().length > 0);
        expect(bench.calls).toContain("buildctl prune --all --free-storage 21474");
    });

    it("ends with serve.sh where BuildKit never served: a signal in its first moment is lost", async () => {
        const watch = `${bench.script("idle.sh").join(" ")} "$$" >/dev/null 2>&1 & echo $! >"$bench/watcher"`;
        bench.stub("serve", `${watch}; /bin/sleep 0.5`);
        await bench.run(["rm", bench.socket]);
        await bench.run([bench.path("bin/serve")]);
        const watcher = Number(bench.read("watcher"));
        try {
            await until(() => !existsSync(`/proc/${watcher}`));
        } finally {
            kill(watcher);
        }
    });

    it("ends where serve.sh has ended before it", async () => {
        await bench.run(["rm", bench.socket]);
        const ended = spawnSync("true").pid;
        expect(await bench.run([...bench.script("idle.sh"), String(ended)], { seconds: 10 })).toMatchObject({
            status: 0,
        });
    });

    it("has its token in no process's arguments", async () => {
        await idle(() => requests().length > 0);
        expect(bench.read("requests")).toContain("Authorization: Bearer TOKEN\r\n");
        expect(bench.read("calls")).not.toContain("TOKEN");
    });
});
