import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { find } from "../../../tests/helpers/find";
import { histories } from "../../../tests/helpers/histories";
import { describeLocalRunner, quiet, until } from "./localRunnerBench";

jest.setTimeout(60_000);

describeLocalRunner("a local runner", (it, bench) => {
    it("ends by itself when it is idle", async () => {
        bench().settings({ idleSeconds: 1 });
        await bench().ask("start");
        await until(() => bench().processes().length === 0);
        expect(await bench().status()).toBe("stopped");
        expect(bench().read("runner/log")).toContain("test runner: idle for 1 s: stopping\n");
        expect(await bench().ask("start")).toEqual(quiet);
        expect(bench().starts()).toBe(2);
    });

    it("stays for a build that runs, and ends after it", async () => {
        bench().write("histories", histories("running"));
        bench().settings({ idleSeconds: 1 });
        await bench().ask("start");
        const asked = () => bench().calls.filter((call) => call.includes("histories")).length;
        await until(() => asked() >= 3);
        expect(await bench().status()).toBe("serving");
        bench().write("histories", histories(60));
        await until(() => bench().processes().length === 0);
        expect(await bench().status()).toBe("stopped");
    });

    it("is drained, not killed, when it goes idle, and a start waits for that", async () => {
        writeFileSync(bench().path("building"), "");
        bench().settings({ idleSeconds: 1 });
        await bench().ask("start");
        await until(() => bench().read("runner/state") === "stopping\n");
        bench().settings({});
        const { closed } = bench().begin("start");
        rmSync(bench().path("building"));
        expect(await closed).toEqual(quiet);
        expect([await bench().status(), bench().starts()]).toEqual(["serving", 2]);
    });

    it("is never idle with 0, nor while its daemon gives no answer", async () => {
        bench().settings({ idleSeconds: 0 });
        await bench().ask("start");
        await bench().ask("stop");
        expect(bench().calls.filter((call) => call.includes("histories"))).toEqual([]);
    });

    it("is drained for a changed configuration, and a start waits for that", async () => {
        await bench().ask("start");
        const before = bench().supervisor();
        const old = bench().processes();
        writeFileSync(bench().path("building"), "");
        writeFileSync(path.join(bench().runner, "buildkitd.toml"), "two\n");
        const { closed } = bench().begin("start");
        await until(() => bench().read("runner/state") === "stopping\n");
        expect(await bench().status()).toBe("stopping");
        expect(bench().starts()).toBe(1);
        rmSync(bench().path("building"));
        expect(await closed).toEqual({ ...quiet, stderr: "test runner: its configuration changed: restarting\n" });
        expect(bench().supervisor()).not.toBe(before);
        expect(
            bench()
                .processes()
                .filter((pid) => old.includes(pid)),
        ).toEqual([]);
        expect([await bench().status(), bench().starts()]).toEqual(["serving", 2]);
        expect(bench().read("runner/running.toml")).toMatch(/^two\n/);
    });

    it.each([
        ["its configuration changed", () => writeFileSync(path.join(bench().runner, "buildkitd.toml"), "two\n")],
        ["its keys are gone", () => rmSync(path.join(bench().runner, "keys/client.pem"))],
    ])("does not restart while a build runs where %s, but at the first start after it", async (reason, change) => {
        await bench().ask("start");
        const before = bench().supervisor();
        bench().write("histories", histories("running"));
        change();
        expect(await bench().ask("start")).toEqual({
            ...quiet,
            stderr: `test runner: ${reason}: it goes on as it is, and restarts at the first connect when its builds are done\n`,
        });
        expect([await bench().status(), bench().supervisor(), bench().starts()]).toEqual(["serving", before, 1]);
        // One has ended just now.
        bench().write("histories", histories(0));
        expect(await bench().ask("start")).toEqual({ ...quiet, stderr: `test runner: ${reason}: restarting\n` });
        expect([await bench().status(), bench().starts()]).toEqual(["serving", 2]);
    });

    it("ends at a restart what has begun at the last moment and takes longer than others wait", async () => {
        bench().settings({ more: "drain_seconds=1" });
        await bench().ask("start");
        writeFileSync(bench().path("building"), "");
        writeFileSync(path.join(bench().runner, "buildkitd.toml"), "two\n");
        const { closed } = bench().begin("start");
        const second = bench().begin("start");
        expect(await closed).toMatchObject({ status: 0 });
        expect(await second.closed).toMatchObject({ status: 0 });
        expect(bench().starts()).toBe(2);
        rmSync(bench().path("building"));
    });

    it("ends when it is idle by a setting that changed while it ran", async () => {
        bench().settings({ idleSeconds: 86_400 });
        bench().stub("sleep", `exec ${find("sleep")} 0.01`);
        bench().write("histories", histories(3600));
        await bench().ask("start");
        writeFileSync(path.join(bench().runner, "activity"), "1\n");
        await until(() => bench().calls.some((call) => call.includes("histories")));
        bench().settings({ idleSeconds: 5 });
        await until(() => bench().processes().length === 0);
        expect(bench().read("runner/log")).toContain("test runner: idle for 5 s: stopping\n");
        expect(bench().starts()).toBe(1);
    });

    it("restarts for another limit of its steps' memory", async () => {
        await bench().ask("start");
        bench().settings({ stepMemory: 200 });
        expect(await bench().ask("start")).toMatchObject({
            stderr: expect.stringContaining("its configuration changed"),
        });
        expect(bench().read("groups/memory/test/memory.limit_in_bytes")).toBe(`${200 * 2 ** 20}\n`);
    });

    it("restarts when it runs but does not answer", async () => {
        await bench().ask("start");
        rmSync(bench().path("serving"));
        expect(await bench().ask("start")).toMatchObject({
            status: 0,
            stderr: "test runner: running but not answering: restarting\n",
        });
        expect([await bench().status(), bench().starts()]).toEqual(["serving", 2]);
    });

    it("is not taken for dead on a busy machine, where buildctl had its answer and fails all the same", async () => {
        await bench().ask("start");
        bench().write("busy");
        expect(await bench().ask("start")).toEqual(quiet);
        expect(bench().starts()).toBe(1);
    });

    it("goes idle by the programs of another folder, where its own are gone", async () => {
        bench().settings({ idleSeconds: 86_400 });
        bench().stub("sleep", `exec ${find("sleep")} 0.01`);
        bench().write("histories", histories(3600));
        await bench().ask("start");
        writeFileSync(path.join(bench().runner, "activity"), "1\n");
        cpSync(bench().path("bin"), bench().path("moved"), { recursive: true });
        const moved = `PATH='${bench().path("moved")}:${bench().path("programs")}'`;
        bench().settings({ idleSeconds: 86_400, more: moved });
        // Asked at each look, after the settings were read.
        const asked = () => bench().calls.filter((call) => call.includes("histories")).length;
        const before = asked();
        await until(() => asked() >= before + 2);
        rmSync(bench().path("bin"), { recursive: true });
        bench().settings({ idleSeconds: 5, more: moved });
        await until(() => bench().processes().length === 0);
        expect(bench().read("runner/log")).toContain("test runner: idle for 5 s: stopping\n");
    });

    it("is drained where nobody can ask it any more, because its programs are gone", async () => {
        bench().write("histories", histories("running"));
        bench().write("building");
        bench().settings({ idleSeconds: 1 });
        await bench().ask("start");
        rmSync(bench().path("bin/buildctl"));
        await until(() => bench().read("runner/state") === "stopping\n");
        const draining = bench().processes();
        expect(draining).toContain(bench().supervisor());
        rmSync(bench().path("building"));
        await until(() => bench().processes().length === 0);
        expect(bench().read("runner/log")).toContain("test runner: program buildctl is gone from its PATH: stopping\n");
    });

    it("restarts for another authority of a registry", async () => {
        bench().settings({ more: "trusted_files='../none.pem\n../trust.pem'" });
        bench().write("trust.pem", "one\n");
        expect(await bench().ask("start")).toEqual(quiet);
        expect(await bench().ask("start")).toEqual(quiet);
        bench().write("trust.pem", "two\n");
        expect(await bench().ask("start")).toEqual({
            ...quiet,
            stderr: "test runner: its configuration changed: restarting\n",
        });
        expect(await bench().ask("start")).toEqual(quiet);
    });

    it("is not told as serving where its port is another and it goes on with a build", async () => {
        const port = (number: number) =>
            bench().write("runner/buildkitd.toml", `  address = ["unix:///s", "tcp://127.0.0.1:${number}"]\n`);
        port(1);
        await bench().ask("start");
        bench().write("histories", histories("running"));
        port(2);
        const { status, stderr } = await bench().ask("start");
        expect(status).toBe(1);
        expect(stderr).toContain(
            "localPort: a build runs on it at its port of before. Connect again when that is done, or set localPort back",
        );
        expect([await bench().status(), bench().starts()]).toEqual(["serving", 1]);
        expect(await bench().ask("builds")).toEqual(quiet);
        bench().write("histories", histories(0));
        expect(await bench().ask("builds")).toEqual({ ...quiet, status: 1 });
        expect(await bench().ask("start")).toMatchObject({ status: 0 });
        expect(bench().starts()).toBe(2);
    });

    it.each([
        ["removed", () => rmSync(bench().runner, { recursive: true })],
        [
            "replaced by another",
            () => {
                rmSync(bench().runner, { recursive: true });
                mkdirSync(bench().runner);
                bench().write("runner/pid", "1\n");
            },
        ],
        ["another daemon's by now", () => bench().write("runner/pid", "1\n")],
    ])("ends when its folder is %s, also while a build runs", async (_what, take) => {
        bench().write("histories", histories("running"));
        bench().write("building");
        await bench().ask("start");
        const before = bench().processes();
        take();
        await until(() => before.every((pid) => !existsSync(`/proc/${pid}`)));
    });
});
