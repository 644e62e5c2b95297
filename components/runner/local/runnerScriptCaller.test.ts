import { readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { commandOf } from "../../../tests/e2e/processes";
import { histories } from "../../../tests/helpers/histories";
import { describeLocalRunner, quiet, until } from "./localRunnerBench";

jest.setTimeout(60_000);

describeLocalRunner("a local runner, whoever wakes it,", (it, bench) => {
    /** The environment that buildkitd runs with. */
    function daemonsEnvironment(): string[] {
        const daemon = bench()
            .processes()
            .find((pid) => commandOf(pid).includes("/bin/buildkitd"));
        return readFileSync(`/proc/${daemon}/environ`, "utf8").split("\0");
    }
    const startWith = (environment: { [name: string]: string }) => bench().begin("start", environment).closed;

    it("has none of the person's identity, nor a folder for temporary files that goes before it does", async () => {
        const environment = { TMPDIR: bench().path("of-a-job"), AWS_PROFILE: "person", HTTPS_PROXY: "http://p:1" };
        // Names of the script's own variables.
        expect(await startWith({ ...environment, name: "person", idle_seconds: "1" })).toEqual(quiet);
        const found = daemonsEnvironment();
        expect(found).toContain("HTTPS_PROXY=http://p:1");
        expect(found).toContain(`HOME=${bench().runner}`);
        expect(found.filter((line) => /^TMPDIR=|person/.test(line))).toEqual([]);
    });

    it.each([
        ["OTEL_TRACES_EXPORTER", "console"],
        ["CDPATH", "/"],
    ])("is not bent by a variable %s", async (name, value) => {
        // buildctl refuses what it does not know.
        bench().stub("buildctl", `[ -z "\${${name}:-}" ] && [ -e "$bench/serving" ] && echo ID`);
        expect(await startWith({})).toEqual(quiet);
        const before = bench().supervisor();
        expect(await startWith({ [name]: value })).toEqual(quiet);
        expect([bench().supervisor(), bench().starts()]).toEqual([before, 1]);
    });

    it("takes another's proxies when nobody has used it for a while, and says so until then", async () => {
        bench().settings({ more: "calm_seconds=3600" });
        const proxy = (host: string) => ({ https_proxy: `http://person:secret@${host}:1`, NO_PROXY: host });
        await startWith(proxy("one"));
        const used = () => daemonsEnvironment().find((line) => line.startsWith("https_proxy="));
        const kept = {
            ...quiet,
            stderr:
                "test runner: it was started with other proxies, or certificates: it goes on as it is, and restarts at " +
                "the first connect when nobody has built or connected for 3600 s\n",
        };
        expect(await startWith(proxy("two"))).toEqual(kept);
        writeFileSync(path.join(bench().runner, "activity"), "1\n");
        bench().write("histories", histories(60));
        expect(await startWith(proxy("two"))).toEqual(kept);
        expect(used()).toBe("https_proxy=http://person:secret@one:1");

        writeFileSync(path.join(bench().runner, "activity"), "1\n");
        bench().write("histories", histories(4000));
        expect(await startWith({ ...proxy("one"), NO_PROXY: "other" })).toEqual(quiet);
        writeFileSync(path.join(bench().runner, "activity"), "1\n");
        expect(await startWith(proxy("two"))).toMatchObject({
            status: 0,
            stderr: "test runner: it was started with other proxies, or certificates: restarting\n",
        });
        expect(used()).toBe("https_proxy=http://person:secret@two:1");
        expect(bench().read("runner/running.network")).not.toContain("secret");
    });

    it("serves though whoever woke it was killed before it did", async () => {
        writeFileSync(bench().path("mute"), "");
        const { child, closed } = bench().begin("start");
        await until(() => bench().starts() === 1);
        child.kill("SIGKILL");
        await closed;
        writeFileSync(bench().path("serving"), "");
        expect(await bench().ask("keys")).toMatchObject({ status: 75 });
        expect(await bench().ask("start")).toEqual(quiet);
        expect(await bench().ask("keys")).toMatchObject({ status: 0, stdout: expect.stringContaining("PRIVATE KEY") });
        expect(bench().starts()).toBe(1);
    });

    it("is known by its folder, not by an id that has come to be another runner's", async () => {
        const [other, own] = [bench(), bench().another()];
        try {
            await other.ask("start");
            await own.ask("start");
            const [others, before] = [other.supervisor(), own.supervisor()];
            expect(others).not.toBe(before);
            own.write("runner/pid", other.read("runner/pid"));
            expect(await own.status()).toBe("stopped");
            expect(await own.ask("stop")).toEqual(quiet);
            expect(await other.status()).toBe("serving");
            expect(other.supervisor()).toBe(others);
        } finally {
            await own.end();
        }
    });
});
