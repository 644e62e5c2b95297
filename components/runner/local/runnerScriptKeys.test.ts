import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { find } from "../../../tests/helpers/find";
import { histories } from "../../../tests/helpers/histories";
import { describeLocalRunner, quiet, until } from "./localRunnerBench";

jest.setTimeout(60_000);

describeLocalRunner("a local runner's keys", (it, bench) => {
    const keys = () => bench().ask("keys");
    const file = (name: string) => path.join(bench().runner, "keys", name);
    const notPublished = { status: 75, stdout: "", stderr: "" };

    it("at every start, for its clients and nobody else", async () => {
        expect(await keys()).toEqual(notPublished);
        await bench().ask("start");
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

        await bench().ask("stop");
        expect(await keys()).toEqual(notPublished);
        expect(existsSync(file("."))).toBe(false);
        await bench().ask("start");
        expect((await keys()).stdout).not.toBe(first.stdout);
    });

    it("and has none while it boots, or goes idle", async () => {
        writeFileSync(bench().path("mute"), "");
        const { closed } = bench().begin("start");
        await until(() => bench().starts() === 1);
        expect(await keys()).toEqual(notPublished);
        writeFileSync(bench().path("serving"), "");
        await closed;
        writeFileSync(bench().path("building"), "");
        bench().settings({ idleSeconds: 1 });
        await bench().ask("stop");
        await bench().ask("start");
        await until(() => bench().read("runner/state") === "stopping\n");
        expect(await keys()).toEqual(notPublished);
        expect(existsSync(file("client.pem"))).toBe(false);
        rmSync(bench().path("building"));
    });

    it("again when somebody has deleted them", async () => {
        await bench().ask("start");
        rmSync(file("client.pem"));
        expect(await bench().ask("start")).toMatchObject({
            status: 0,
            stderr: expect.stringContaining("keys are gone"),
        });
        expect(await keys()).toMatchObject({ status: 0 });
    });

    it("or says why it cannot", async () => {
        bench().stub("openssl", "echo 'no entropy' >&2; exit 1");
        const { status: code, stderr } = await bench().ask("start");
        expect(code).toBe(1);
        expect(stderr).toContain("keys: cannot be made in keys: no entropy\n");
        expect(bench().starts()).toBe(0);
    });

    it("anew when half of their time is over, by itself, while nothing builds", async () => {
        const script = path.join(bench().runner, "keys.sh");
        writeFileSync(script, readFileSync(script, "utf8").replace("keys_days=30", "keys_days=0"));
        bench().stub("sleep", `exec ${find("sleep")} 0.01`);
        bench().write("histories", histories("running"));
        await bench().ask("start");
        const { stdout: before } = await keys();
        writeFileSync(path.join(bench().runner, "activity"), "1\n");
        const asked = () => bench().calls.filter((call) => call.includes("histories")).length;
        await until(() => asked() >= 3);
        expect(bench().starts()).toBe(1);

        const old = bench().supervisor();
        bench().write("histories", histories(3600));
        await until(() => bench().starts() >= 2);
        // Later than this nobody renews any more: a start counts as activity.
        expect(await bench().ask("start")).toEqual(quiet);
        expect(await bench().status()).toBe("serving");
        const { stdout: after } = await keys();
        expect(after).toContain("PRIVATE KEY");
        expect(after).not.toBe(before);
        expect(bench().supervisor()).toBe(old);
        expect(bench().read("runner/log")).toContain("its keys have lasted half of their time");
    });
});
