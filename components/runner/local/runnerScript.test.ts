import { spawn } from "node:child_process";
import {
    copyFileSync,
    existsSync,
    mkdirSync,
    readdirSync,
    readFileSync,
    readlinkSync,
    rmSync,
    statSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import * as path from "node:path";
import { shells, Workbench } from "../ec2/machine/ec2Scripts";

jest.setTimeout(60_000);

const components = path.join(__dirname, "..");

/** A program's place on this machine; nothing if it is missing. */
function find(program: string): string | undefined {
    return (process.env.PATH ?? "")
        .split(":")
        .concat("/usr/sbin", "/sbin")
        .map((folder) => path.join(folder, program))
        .find((file) => existsSync(file));
}

/** Waits for what other processes do. */
async function until(condition: () => boolean): Promise<void> {
    const end = Date.now() + 20_000;
    while (!condition()) {
        if (Date.now() > end) {
            throw new Error(`in vain: ${condition}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
}

/** A table as `buildctl debug histories` prints it, with the times given as seconds before now. */
function histories(...builds: ("running" | number)[]): string {
    const time = (ago: number) => new Date(Date.now() - ago * 1000).toISOString().replace(/\.\d+Z$/, "Z");
    const rows = builds.map((build) =>
        build === "running" ? `STARTED   ref0 ${time(7200)}  1` : `COMPLETE  ref1 ${time(build + 60)} ${time(build)} 2`,
    );
    return `${["TYPE\\tREF\\tCREATED\\tCOMPLETED\\tGENERATION", ...rows].join("\n")}\n`;
}

describe.each(shells)("in %s", (shellName, shell) => {
    const installed = find(shell[0] ?? "") !== undefined;

    describe("the idle rule", () => {
        const it = installed ? test : test.skip;
        if (!installed) {
            test.skip(`needs ${shellName}, which is not installed`, () => undefined);
        }
        let bench: Workbench;
        beforeEach(() => {
            bench = new Workbench();
            bench.stub("buildctl", '[ -e "$bench/histories" ] || exit 1\ncat "$bench/histories"');
        });
        afterEach(() => bench.dispose());

        /** @param started seconds ago */
        async function isIdle(table: string | undefined, idleSeconds: number | "", started: number): Promise<boolean> {
            if (table !== undefined) {
                bench.write("histories", table);
            }
            const at = Math.floor(Date.now() / 1000) - started;
            const main = bench.write(
                "main.sh",
                `idle_seconds=${idleSeconds}\n. '${components}/idle.sh'\nis_idle ${at}\n`,
            );
            const { status, stdout } = await bench.run([...shell, main], { env: { TZ: "Asia/Tokyo" } });
            expect(stdout).toBe("");
            return status === 0;
        }
        const hour = 3600;

        it.each<[string, string | undefined, number, number, boolean]>([
            ["no build ever, started long ago", histories(), hour, 2 * hour, true],
            ["no build ever, just started", histories(), hour, 10, false],
            ["a build that runs, begun long ago", histories("running"), hour, 2 * hour, false],
            ["a build that ended long ago", histories(2 * hour), hour, 3 * hour, true],
            ["a build that ended just now", histories(10), hour, 3 * hour, false],
            ["one that ended long ago, but just asked for", histories(2 * hour), hour, 10, false],
            ["several that ended long ago", histories(3 * hour, 2 * hour), hour, 4 * hour, true],
            ["several, the first just now", histories(10, 2 * hour), hour, 4 * hour, false],
            ["several, the last just now", histories(2 * hour, 10), hour, 4 * hour, false],
            ["several that ended, and one that runs", histories(2 * hour, "running", 2 * hour), hour, 4 * hour, false],
            ["a daemon that does not answer", undefined, hour, 2 * hour, false],
            ["a row that it does not know", `${histories()}SOMETHING new\n`, hour, 2 * hour, false],
            ["never idle", histories(2 * hour), 0, 3 * hour, false],
        ])("%s", async (_what, table, idleSeconds, started, idle) => {
            expect(await isIdle(table, idleSeconds, started)).toBe(idle);
        });

        it("does without asking the daemon when it cannot be idle yet", async () => {
            await isIdle(histories(), hour, 10);
            await isIdle(histories(), 0, 2 * hour);
            expect(bench.calls).toEqual([]);
        });

        it("refuses to guess how long", async () => {
            expect(await isIdle(histories(), "", 2 * hour)).toBe(false);
        });
    });

    describe("a local runner", () => {
        const reason = [
            [!installed, `${shellName}, which is not installed`],
            [process.getuid?.() !== 0, "root, for a PID namespace"],
            [["unshare", "flock", "setsid"].some((program) => !find(program)), "unshare, flock and setsid"],
        ].find(([missing]) => missing)?.[1];
        const it = reason ? test.skip : test;
        if (reason) {
            test.skip(`needs ${reason}`, () => undefined);
        }

        let bench: Workbench;
        const folder = () => bench.path("runner");

        beforeEach(() => {
            bench = new Workbench();
            for (const file of ["programs", "runner"]) {
                mkdirSync(bench.path(file));
            }
            // "cut" and so on are not here: the script gets what its authors know that it needs.
            for (const program of "awk cat cmp cp date flock grep id mkdir mktemp mv openssl rm setsid sleep tail tr unshare".split(
                " ",
            )) {
                symlinkSync(find(program) ?? program, bench.path(`programs/${program}`));
            }
            // What `sh` is: everything that the script starts runs in the same shell.
            symlinkSync(find(shell[0] ?? "") ?? "", bench.path("programs/sh"));
            bench.stub("runc");
            bench.stub(
                "buildctl",
                `case $2 in
                    workers) [ ! -e "$bench/serving" ] || echo ID; [ ! -e "$bench/busy" ] ;;
                    histories) cat "$bench/histories" ;;
                esac`,
            );
            // Serves at once unless there is a file `mute`; drains until there is no file `building`.
            bench.stub(
                "buildkitd",
                `if [ -e "$bench/broken" ]; then echo 'buildkitd: no space left' >&2; exit 3; fi
                trap 'while [ -e "$bench/building" ]; do sleep 0.05; done; rm -f "$bench/serving"; exit 0' TERM
                sh -c 'trap "" TERM; while :; do sleep 1; done' &
                [ -e "$bench/mute" ] || : >"$bench/serving"
                while :; do sleep 0.05; done`,
            );
            bench.write("histories", histories());
            copyFileSync(path.join(components, "local/runner.sh"), path.join(folder(), "runner.sh"));
            for (const file of ["idle.sh", "keys.sh"]) {
                copyFileSync(path.join(components, file), path.join(folder(), file));
            }
            writeFileSync(path.join(folder(), "buildkitd.toml"), "one\n");
            settings({});
        });
        afterEach(async () => {
            await until(() => {
                const left = processes();
                left.forEach(kill);
                return left.length === 0;
            });
            bench.dispose();
        });

        function settings({ idleSeconds = 0, programs = bench.path("programs") }) {
            bench.write(
                "runner/settings.sh",
                `name='test runner' server_name=test.example idle_seconds=${idleSeconds} PATH='${bench.path("bin")}:${programs}'\n`,
            );
        }
        function start(word: string, env: { [name: string]: string } = {}) {
            const [file = "", ...args] = shell;
            const child = spawn(find(file) ?? file, [...args, "runner.sh", word], {
                cwd: folder(),
                env: { PATH: bench.path("programs"), ...env },
                stdio: ["ignore", "pipe", "pipe"],
            });
            let [stdout, stderr] = ["", ""];
            child.stdout.on("data", (data) => {
                stdout += data;
            });
            child.stderr.on("data", (data) => {
                stderr += data;
            });
            const closed = new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) => {
                child.on("close", (status) => {
                    resolve({ status, stdout, stderr });
                });
            });
            return { closed };
        }
        const run = (word: string, env?: { [name: string]: string }) => start(word, env).closed;
        const status = async () => (await run("status")).stdout.trim();
        const quiet = { status: 0, stdout: "", stderr: "" };
        const starts = () => bench.calls.filter((call) => call.startsWith("buildkitd ")).length;
        const supervisor = () => Number(bench.read("runner/pid"));

        /**
         * Numbers, as seen from outside, of all processes that work in the runner's folder: the runner's, whoever their
         * parent is by now. (One that has ended and was not waited for has no folder any more.)
         */
        function processes(): number[] {
            return readdirSync("/proc")
                .map(Number)
                .filter((pid) => {
                    try {
                        return pid > 0 && readlinkSync(`/proc/${pid}/cwd`) === folder();
                    } catch {
                        return false;
                    }
                });
        }
        function commandOf(pid: number): string {
            try {
                return readFileSync(`/proc/${pid}/cmdline`, "utf8");
            } catch {
                return "";
            }
        }
        function kill(pid: number): void {
            // 0 is every process of this group.
            if (!(pid > 1)) {
                throw new Error(`there is no process ${pid}`);
            }
            try {
                process.kill(pid, "SIGKILL");
            } catch {
                // It has ended.
            }
        }

        it("tells its state in one word, from start to stop", async () => {
            expect(await status()).toBe("stopped");
            writeFileSync(bench.path("mute"), "");
            const { closed } = start("start");
            await until(() => starts() === 1);
            expect(await status()).toBe("booting");
            writeFileSync(bench.path("serving"), "");
            expect(await closed).toEqual(quiet);
            expect(await status()).toBe("serving");
            expect(await run("stop")).toEqual(quiet);
            expect(await status()).toBe("stopped");
        });

        it("starts buildkitd with its configuration, in its own folder", async () => {
            await run("start");
            expect(bench.calls).toContain("buildkitd --config buildkitd.toml");
            expect(bench.read("runner/running.toml")).toBe("one\n");
        });

        it("is left alone by a second start, which counts as activity", async () => {
            await run("start");
            const before = supervisor();
            writeFileSync(path.join(folder(), "activity"), "1\n");
            expect(await run("start")).toEqual(quiet);
            expect([supervisor(), starts()]).toEqual([before, 1]);
            expect(Number(bench.read("runner/activity"))).toBeGreaterThan(1);
        });

        it("is started once by two at once", async () => {
            expect(await Promise.all([run("start"), run("start"), run("start")])).toEqual([quiet, quiet, quiet]);
            expect(starts()).toBe(1);
        });

        /** Holds the lock as another start would. */
        async function holdLock() {
            const holder = spawn(find("flock") ?? "", ["lock", "sh", "-c", "echo held; read line"], { cwd: folder() });
            await new Promise((resolve) => holder.stdout.once("data", resolve));
            return () => holder.stdin.end("\n");
        }

        it("waits for whoever is starting or stopping it", async () => {
            const release = await holdLock();
            bench.stub("flock", `exec ${find("flock")} "$@"`);
            const { closed } = start("start");
            await until(() => bench.calls.some((call) => call.startsWith("flock ")));
            expect(starts()).toBe(0);
            release();
            expect(await closed).toEqual(quiet);
            expect(starts()).toBe(1);
        });

        it("says who is in the way when that takes too long", async () => {
            const release = await holdLock();
            expect(await run("start", { start_limit: "1" })).toEqual({
                status: 1,
                stdout: "",
                stderr: `test runner: still being started or stopped by another process after 1 s; see ${folder()}/log\n`,
            });
            release();
        });

        it("says why when the daemon dies at its start, and can be started after that", async () => {
            writeFileSync(bench.path("broken"), "");
            const { status: code, stderr } = await run("start");
            expect(code).toBe(1);
            expect(stderr).toBe(
                `test runner: buildkitd did not start; the end of ${folder()}/log:\n` +
                    "buildkitd: no space left\ntest runner: buildkitd ended with status 3\n",
            );
            expect(await status()).toBe("stopped");
            rmSync(bench.path("broken"));
            expect(await run("start")).toEqual(quiet);
        });

        it("ends with everything that a build left behind", async () => {
            await run("start");
            // Supervisor outside and inside, daemon, its stubborn child, the watch, and their sleeps.
            expect(processes().length).toBeGreaterThanOrEqual(5);
            expect(await run("stop")).toEqual(quiet);
            await until(() => processes().length === 0);
            expect(existsSync(path.join(folder(), "pid"))).toBe(false);
        });

        it("has nothing left when its supervisor is killed, and starts again", async () => {
            await run("start");
            kill(supervisor());
            await until(() => processes().length === 0);
            expect(await status()).toBe("stopped");
            rmSync(bench.path("serving"));
            expect(await run("start")).toEqual(quiet);
            expect(starts()).toBe(2);
        });

        it("ends when its daemon is killed, and starts again", async () => {
            await run("start");
            const daemon = processes().find((pid) => commandOf(pid).includes("/bin/buildkitd"));
            kill(daemon ?? Number.NaN);
            await until(() => processes().length === 0);
            expect(await status()).toBe("stopped");
            expect(bench.read("runner/log")).toContain("test runner: buildkitd ended with status 137\n");
            expect(await run("start")).toEqual(quiet);
        });

        it("stops when there is nothing to stop", async () => {
            expect(await run("stop")).toEqual(quiet);
        });

        it("ends a build that takes longer when it is told to stop", async () => {
            await run("start");
            writeFileSync(bench.path("building"), "");
            expect(await run("stop")).toEqual(quiet);
            await until(() => processes().length === 0);
        });

        it("ends by itself when it is idle", async () => {
            settings({ idleSeconds: 1 });
            await run("start");
            await until(() => processes().length === 0);
            expect(await status()).toBe("stopped");
            expect(bench.read("runner/log")).toContain("test runner: idle for 1 s: stopping\n");
            expect(await run("start")).toEqual(quiet);
            expect(starts()).toBe(2);
        });

        it("stays for a build that runs, and ends after it", async () => {
            bench.write("histories", histories("running"));
            settings({ idleSeconds: 1 });
            await run("start");
            const asked = () => bench.calls.filter((call) => call.includes("histories")).length;
            await until(() => asked() >= 3);
            expect(await status()).toBe("serving");
            bench.write("histories", histories(60));
            await until(() => processes().length === 0);
            expect(await status()).toBe("stopped");
        });

        it("is drained, not killed, when it goes idle, and a start waits for that", async () => {
            writeFileSync(bench.path("building"), "");
            settings({ idleSeconds: 1 });
            await run("start");
            await until(() => bench.read("runner/state") === "stopping\n");
            settings({});
            const { closed } = start("start");
            rmSync(bench.path("building"));
            expect(await closed).toEqual(quiet);
            expect([await status(), starts()]).toEqual(["serving", 2]);
        });

        it("is never idle with 0, nor while its daemon gives no answer", async () => {
            settings({ idleSeconds: 0 });
            await run("start");
            await run("stop");
            expect(bench.calls.filter((call) => call.includes("histories"))).toEqual([]);
        });

        it("restarts for a changed configuration, once its builds are done", async () => {
            await run("start");
            const before = supervisor();
            const old = processes();
            writeFileSync(bench.path("building"), "");
            writeFileSync(path.join(folder(), "buildkitd.toml"), "two\n");
            const { closed } = start("start");
            await until(() => bench.read("runner/state") === "stopping\n");
            expect(await status()).toBe("stopping");
            expect(starts()).toBe(1);
            rmSync(bench.path("building"));
            expect(await closed).toEqual({
                status: 0,
                stdout: "",
                stderr: "test runner: its configuration changed, or its keys are gone: restarting once its builds are done\n",
            });
            expect(supervisor()).not.toBe(before);
            expect(processes().filter((pid) => old.includes(pid))).toEqual([]);
            expect([await status(), starts()]).toEqual(["serving", 2]);
            expect(bench.read("runner/running.toml")).toBe("two\n");
        });

        it("restarts when it runs but does not answer", async () => {
            await run("start");
            rmSync(bench.path("serving"));
            expect(await run("start")).toMatchObject({
                status: 0,
                stderr: "test runner: running but not answering: restarting\n",
            });
            expect([await status(), starts()]).toEqual(["serving", 2]);
        });

        it("is not taken for dead on a busy machine, where buildctl had its answer and fails all the same", async () => {
            await run("start");
            bench.write("busy");
            expect(await run("start")).toEqual(quiet);
            expect(starts()).toBe(1);
        });

        describe("makes keys", () => {
            const keys = () => run("keys");
            const file = (name: string) => path.join(folder(), "keys", name);
            const notPublished = { status: 75, stdout: "", stderr: "" };

            it("at every start, for its clients and nobody else", async () => {
                expect(await keys()).toEqual(notPublished);
                await run("start");
                const first = await keys();
                expect(first).toMatchObject({ status: 0, stderr: "" });
                expect(first.stdout.match(/-----BEGIN [A-Z ]+-----/g)).toEqual([
                    "-----BEGIN CERTIFICATE-----",
                    "-----BEGIN CERTIFICATE-----",
                    "-----BEGIN PRIVATE KEY-----",
                ]);
                const modes = readdirSync(file(".")).map((name) => (statSync(file(name)).mode & 0o777).toString(8));
                expect([...new Set(modes)]).toEqual(["600"]);
                expect((statSync(file(".")).mode & 0o777).toString(8)).toBe("700");

                await run("stop");
                expect(await keys()).toEqual(notPublished);
                expect(existsSync(file("."))).toBe(false);
                await run("start");
                expect((await keys()).stdout).not.toBe(first.stdout);
            });

            it("and has none while it boots, or goes idle", async () => {
                writeFileSync(bench.path("mute"), "");
                const { closed } = start("start");
                await until(() => starts() === 1);
                expect(await keys()).toEqual(notPublished);
                writeFileSync(bench.path("serving"), "");
                await closed;
                writeFileSync(bench.path("building"), "");
                settings({ idleSeconds: 1 });
                await run("stop");
                await run("start");
                await until(() => bench.read("runner/state") === "stopping\n");
                expect(await keys()).toEqual(notPublished);
                expect(existsSync(file("client.pem"))).toBe(false);
                rmSync(bench.path("building"));
            });

            it("again when somebody has deleted them", async () => {
                await run("start");
                rmSync(file("client.pem"));
                expect(await run("start")).toMatchObject({
                    status: 0,
                    stderr: expect.stringContaining("keys are gone"),
                });
                expect(await keys()).toMatchObject({ status: 0 });
            });

            it("or says why it cannot", async () => {
                bench.stub("openssl", "echo 'no entropy' >&2; exit 1");
                const { status: code, stderr } = await run("start");
                expect(code).toBe(1);
                expect(stderr).toContain("keys: cannot be made in keys: no entropy\n");
                expect(starts()).toBe(0);
            });

            it("anew when half of their time is over, by itself, while nothing builds", async () => {
                const script = path.join(folder(), "keys.sh");
                writeFileSync(script, readFileSync(script, "utf8").replace("keys_days=30", "keys_days=0"));
                bench.stub("sleep", `exec ${find("sleep")} 0.01`);
                bench.write("histories", histories("running"));
                await run("start");
                const { stdout: before } = await keys();
                writeFileSync(path.join(folder(), "activity"), "1\n");
                const asked = () => bench.calls.filter((call) => call.includes("histories")).length;
                await until(() => asked() >= 3);
                expect(starts()).toBe(1);

                const old = supervisor();
                bench.write("histories", histories(3600));
                await until(() => starts() >= 2);
                // Later than this nobody renews any more: a start counts as activity.
                expect(await run("start")).toEqual(quiet);
                expect(await status()).toBe("serving");
                const { stdout: after } = await keys();
                expect(after).toContain("PRIVATE KEY");
                expect(after).not.toBe(before);
                expect(supervisor()).toBe(old);
                expect(bench.read("runner/log")).toContain("its keys have lasted half of their time");
            });
        });

        it("does not take another process for itself after a restart of the machine", async () => {
            writeFileSync(path.join(folder(), "pid"), `${process.pid}\n`);
            writeFileSync(path.join(folder(), "state"), "serving\n");
            expect(await status()).toBe("stopped");
            expect(await run("stop")).toEqual(quiet);
            expect(await run("start")).toEqual(quiet);
        });

        it.each(["buildkitd", "buildctl", "runc", "flock", "openssl"])("says that it misses %s", async (program) => {
            rmSync(bench.path(`bin/${program}`), { force: true });
            rmSync(bench.path(`programs/${program}`), { force: true });
            expect(await run("start")).toEqual({
                status: 1,
                stdout: "",
                stderr: `test runner: program ${program} is missing. Run tools/setup.sh in the project's folder; it installs it or says how.\n`,
            });
        });

        it.each(["", "restart"])("explains itself when asked to %j", async (word) => {
            expect(await run(word)).toEqual({
                status: 2,
                stdout: "",
                stderr: "test runner: usage: sh runner.sh start|keys|stop|status\n",
            });
        });

        it("writes nothing that others may read", async () => {
            await run("start");
            const loose = readdirSync(folder()).filter(
                (file) =>
                    !["runner.sh", "idle.sh", "keys.sh", "buildkitd.toml", "settings.sh"].includes(file) &&
                    (statSync(path.join(folder(), file)).mode & 0o077) !== 0,
            );
            expect(loose).toEqual([]);
        });
    });
});
