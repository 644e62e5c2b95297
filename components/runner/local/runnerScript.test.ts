import { spawn } from "node:child_process";
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { commandOf, kill } from "../../../tests/e2e/processes";
import { find } from "../../../tests/helpers/find";
import { histories } from "../../../tests/helpers/histories";
import { describeLocalRunner, quiet, until } from "./localRunnerBench";

jest.setTimeout(60_000);

describeLocalRunner("a local runner", (it, bench) => {
    it("tells its state in one word, from start to stop", async () => {
        expect(await bench().status()).toBe("stopped");
        writeFileSync(bench().path("mute"), "");
        const { closed } = bench().begin("start");
        await until(() => bench().starts() === 1);
        expect(await bench().status()).toBe("booting");
        writeFileSync(bench().path("serving"), "");
        expect(await closed).toEqual(quiet);
        expect(await bench().status()).toBe("serving");
        expect(await bench().ask("stop")).toEqual(quiet);
        expect(await bench().status()).toBe("stopped");
    });

    it("starts buildkitd with its configuration and a bound on steps, in its own folder", async () => {
        bench().stub("nproc", "echo 8");
        await bench().ask("start");
        expect(bench().calls).toContain("buildkitd --config buildkitd.toml --oci-max-parallelism=16");
        expect(bench().read("runner/running.toml")).toMatch(/^one\n/);
    });

    it("limits the memory of its steps before it starts buildkitd, and leaves no group of theirs", async () => {
        await bench().ask("start");
        expect(bench().read("groups/memory/test/memory.limit_in_bytes")).toBe(`${100 * 2 ** 20}\n`);
        // On a real hierarchy these files go with their folder.
        rmSync(bench().path("groups/memory/test/memory.limit_in_bytes"));
        rmSync(bench().path("groups/memory/test/memory.memsw.limit_in_bytes"));
        await bench().ask("stop");
        expect(existsSync(bench().path("groups/memory/test"))).toBe(false);
    });

    it("serves where it cannot limit them, and says so in its log", async () => {
        rmSync(bench().path("groups"), { recursive: true });
        writeFileSync(bench().path("groups"), "no folder");
        expect(await bench().ask("start")).toEqual(quiet);
        expect(bench().read("runner/log")).toContain("test runner: the memory of build steps has no limit here: ");
    });

    it("collects cache while builds run and its disk is nearly full", async () => {
        bench().write("histories", histories("running"));
        bench().stub("df", `echo header; echo "disk 1 1 $(cat "$bench/free") 1% /"`);
        bench().write("free", "1000000");
        bench().settings({ idleSeconds: 1 });
        await bench().ask("start");
        const prunes = () => bench().calls.filter((call) => call.includes("prune"));
        const looks = () => bench().calls.filter((call) => call.startsWith("df ")).length;
        await until(() => looks() >= 2);
        expect(prunes()).toEqual([]);
        bench().write("free", "900000");
        await until(() => prunes().length > 0);
        expect(prunes()[0]).toBe("buildctl prune --all --free-storage 2000");
    });

    it("is left alone by a second start, which counts as activity", async () => {
        await bench().ask("start");
        const before = bench().supervisor();
        writeFileSync(path.join(bench().runner, "activity"), "1\n");
        expect(await bench().ask("start")).toEqual(quiet);
        expect([bench().supervisor(), bench().starts()]).toEqual([before, 1]);
        expect(Number(bench().read("runner/activity"))).toBeGreaterThan(1);
    });

    it("is started once by two at once", async () => {
        expect(await Promise.all([bench().ask("start"), bench().ask("start"), bench().ask("start")])).toEqual([
            quiet,
            quiet,
            quiet,
        ]);
        expect(bench().starts()).toBe(1);
    });

    it("waits for whoever is starting or stopping it", async () => {
        // Holds the lock as another start would.
        const holder = spawn(find("flock") ?? "", ["lock", "sh", "-c", "echo held; read line"], {
            cwd: bench().runner,
        });
        await new Promise((resolve) => holder.stdout.once("data", resolve));
        bench().stub("flock", `exec ${find("flock")} "$@"`);
        const { closed } = bench().begin("start");
        await until(() => bench().calls.some((call) => call.startsWith("flock ")));
        expect(bench().starts()).toBe(0);
        holder.stdin.end("\n");
        expect(await closed).toEqual(quiet);
        expect(bench().starts()).toBe(1);
    });

    it("says who is in the way when that takes too long", async () => {
        bench().stub("flock", "exit 1");
        expect(await bench().ask("start")).toEqual({
            status: 1,
            stdout: "",
            stderr: `test runner: still being started or stopped by another process after 300 s; see ${bench().runner}/log\n`,
        });
        expect(bench().calls).toContain("flock -w 300 9");
    });

    it("says why when the daemon dies at its start, and can be started after that", async () => {
        writeFileSync(bench().path("broken"), "");
        const { status: code, stderr } = await bench().ask("start");
        expect(code).toBe(1);
        expect(stderr).toBe(
            `test runner: buildkitd did not start; the end of ${bench().runner}/log:\n` +
                "buildkitd: no space left\ntest runner: buildkitd ended with status 3\n",
        );
        expect(await bench().status()).toBe("stopped");
        rmSync(bench().path("broken"));
        expect(await bench().ask("start")).toEqual(quiet);
    });

    it("ends with everything that a build left behind", async () => {
        await bench().ask("start");
        // Supervisor outside and inside, daemon, its stubborn child, the watch, and their sleeps.
        expect(bench().processes().length).toBeGreaterThanOrEqual(5);
        expect(await bench().ask("stop")).toEqual(quiet);
        await until(() => bench().processes().length === 0);
        expect(existsSync(path.join(bench().runner, "pid"))).toBe(false);
    });

    it("has nothing left when its supervisor is killed, and starts again", async () => {
        await bench().ask("start");
        kill(bench().supervisor());
        await until(() => bench().processes().length === 0);
        expect(await bench().status()).toBe("stopped");
        rmSync(bench().path("serving"));
        expect(await bench().ask("start")).toEqual(quiet);
        expect(bench().starts()).toBe(2);
    });

    it("ends when its daemon is killed, and starts again", async () => {
        await bench().ask("start");
        const daemon = bench()
            .processes()
            .find((pid) => commandOf(pid).includes("/bin/buildkitd"));
        kill(daemon ?? Number.NaN);
        await until(() => bench().processes().length === 0);
        expect(await bench().status()).toBe("stopped");
        expect(bench().read("runner/log")).toContain("test runner: buildkitd ended with status 137\n");
        expect(await bench().ask("start")).toEqual(quiet);
    });

    it("stops when there is nothing to stop", async () => {
        expect(await bench().ask("stop")).toEqual(quiet);
    });

    it("ends a build that takes longer when it is told to stop", async () => {
        await bench().ask("start");
        writeFileSync(bench().path("building"), "");
        expect(await bench().ask("stop")).toEqual(quiet);
        await until(() => bench().processes().length === 0);
    });

    it("does not take another process for itself after a restart of the machine", async () => {
        writeFileSync(path.join(bench().runner, "pid"), `${process.pid}\n`);
        writeFileSync(path.join(bench().runner, "state"), "serving\n");
        expect(await bench().status()).toBe("stopped");
        expect(await bench().ask("stop")).toEqual(quiet);
        expect(await bench().ask("start")).toEqual(quiet);
    });

    it.each(["buildkitd", "buildctl", "runc", "flock", "openssl"])("says that it misses %s", async (program) => {
        rmSync(bench().path(`bin/${program}`), { force: true });
        rmSync(bench().path(`programs/${program}`), { force: true });
        expect(await bench().ask("start")).toEqual({
            status: 1,
            stdout: "",
            stderr: `test runner: program ${program} is missing. Run tools/setup.sh in the project's folder; it installs it or says how.\n`,
        });
    });

    it.each(["", "restart"])("explains itself when asked to %j", async (word) => {
        expect(await bench().ask(word)).toEqual({
            status: 2,
            stdout: "",
            stderr: "test runner: usage: sh runner.sh start|keys|stop|status|builds\n",
        });
    });

    it("writes nothing that others may read", async () => {
        await bench().ask("start");
        const loose = readdirSync(bench().runner).filter(
            (file) =>
                ![
                    "runner.sh",
                    "daemon.sh",
                    "idle.sh",
                    "keys.sh",
                    "steps.sh",
                    "room.sh",
                    "watch.sh",
                    "emulation.sh",
                    "buildkitd.toml",
                    "settings.sh",
                ].includes(file) && (statSync(path.join(bench().runner, file)).mode & 0o077) !== 0,
        );
        expect(loose).toEqual([]);
    });
});
