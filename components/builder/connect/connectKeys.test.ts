import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { find } from "../../../tests/helpers/find";
import { allShells, type ConnectBench, connectBenchForEach } from "./connectBench";

jest.setTimeout(60_000);

describe.each(allShells)("the keys that connect reads, in %s", (shellName, shell) => {
    const { it, bench: benchOf } = connectBenchForEach(shellName, shell);
    let bench: ConnectBench;
    beforeEach(() => {
        bench = benchOf();
    });
    const args = ["linux/arm64"];
    const ready = "builder demo-dev is ready: linux/arm64 only\n";
    const folders = () => readdirSync(bench.keysFolder("demo-dev-arm64")).sort();
    /** The folder that the node is registered with. */
    const registered = () => path.dirname(bench.record("demo-dev-arm64")[0]?.DriverOpts.key ?? "");
    const authority = () => readFileSync(path.join(registered(), "ca.pem"), "utf8");

    it("are in a folder of the node, by fingerprint, for their owner only, whatever the umask", async () => {
        await bench.connect({ args });
        const [fingerprint = ""] = folders();
        expect(folders()).toEqual([fingerprint]);
        const folder = bench.keysFolder("demo-dev-arm64", fingerprint);
        const mode = (file: string) => (statSync(path.join(folder, file)).mode & 0o777).toString(8);
        expect(readdirSync(folder).sort()).toEqual(["ca.pem", "cert.pem", "key.pem"]);
        expect(["..", ".", "ca.pem", "cert.pem", "key.pem"].map(mode)).toEqual(["700", "700", "600", "600", "600"]);
        const text = (file: string) => readFileSync(path.join(folder, file), "utf8");
        expect(text("ca.pem")).toBe("-----BEGIN CERTIFICATE-----\nCA-arm64-1\n-----END CERTIFICATE-----\n");
        expect(text("cert.pem")).toBe("-----BEGIN CERTIFICATE-----\nCERTIFICATEBODY\n-----END CERTIFICATE-----\n");
        expect(text("key.pem")).toBe("-----BEGIN EC PRIVATE KEY-----\nKEYBODY\n-----END EC PRIVATE KEY-----\n");
    });

    it("are each runner's own, in both builders", async () => {
        await bench.connect();
        for (const { Name, DriverOpts } of [...bench.record("demo-dev"), ...bench.record("demo-dev-arm64")]) {
            const suffix = Name.slice("demo-dev-".length);
            expect(readFileSync(DriverOpts.cacert ?? "", "utf8")).toContain(`CA-${suffix}-1`);
            expect(DriverOpts.servername).toBe(`${suffix}.example`);
        }
    });

    it("are used as long as the runner takes them, without asking for them, or buildx to change a record", async () => {
        bench.stubCurl();
        await bench.connect({ args });
        writeFileSync(bench.path("asked"), "");
        writeFileSync(bench.path("calls"), "");
        expect(await bench.connect({ args })).toMatchObject({ status: 0, stderr: ready });
        expect(bench.lines("asked")).toEqual([]);
        expect(bench.calls.map((call) => call.split(" ").slice(0, 3).join(" "))).toEqual([
            "docker buildx version",
            // Are these keys taken, and is the runner still there?
            expect.stringMatching(/^curl /),
            expect.stringMatching(/^curl /),
            "docker buildx build",
        ]);
        const curl = bench.calls.find((call) => call.startsWith("curl"));
        expect(curl).toContain("--noproxy * --max-time 5 --resolve arm64.example:1:b ");
    });

    it.each([
        ["where curl says that they are not", true],
        ["where there is no curl to say so", false],
    ])("are read anew when the runner has started anew, %s", async (_where, curl) => {
        if (curl) {
            bench.stubCurl();
        }
        await bench.connect({ args });
        bench.write("start-arm64", "2");
        expect(await bench.connect({ args })).toMatchObject({ status: 0, stderr: ready });
        expect(authority()).toContain("CA-arm64-2");
        expect(bench.record("demo-dev")[0]?.DriverOpts.key).toBe(path.join(registered(), "key.pem"));
    });

    it.each(["key.pem", "ca.pem"])("are read anew when %s is gone", async (file) => {
        bench.stubCurl();
        await bench.connect({ args });
        rmSync(path.join(registered(), file));
        expect(await bench.connect({ args })).toMatchObject({ status: 0, stderr: ready });
        expect(readdirSync(registered()).sort()).toEqual(["ca.pem", "cert.pem", "key.pem"]);
    });

    it("of earlier starts go a day later, and not before: another connect may be at work with them", async () => {
        await bench.connect({ args });
        const [first = ""] = folders();
        bench.write("start-arm64", "2");
        await bench.connect({ args });
        expect(folders()).toHaveLength(2);
        const [second = ""] = folders().filter((folder) => folder !== first);
        const old = Date.now() / 1000 - 49 * 3600;
        for (const folder of folders()) {
            utimesSync(bench.keysFolder("demo-dev-arm64", folder), old, old);
        }
        await bench.connect({ args });
        expect(folders()).toEqual([second]);
    });

    it("are waited for when the runner has not published them yet, and it says so once", async () => {
        // While they are missing: the proof's time counts in sleeps, too.
        const missing = '[ "$(cat "$bench/unpublished-arm64")" != 0 ]';
        bench.stub("sleep", `if ${missing}; then exec ${find("sleep")} 0.02; fi\nexec ${find("sleep")} "$@"`);
        bench.write("unpublished-arm64", "12");
        const { status, stderr } = await bench.connect({ args });
        expect([status, stderr]).toEqual([
            0,
            `linux/arm64: waiting until the runner has published its keys ...\n${ready}`,
        ]);
        // It may have stopped meanwhile.
        expect(bench.lines("woken")).toEqual(["arm64", "arm64"]);
    });

    it("are not waited for without end", async () => {
        bench.stub("sleep");
        bench.write("unpublished-arm64", "1000");
        const { status, stderr } = await bench.connect({ args });
        expect(status).toBe(1);
        expect(stderr).toMatch(
            /linux\/arm64: the runner serves, and has not published its keys within two minutes\nconnect: not ready/,
        );
    });

    it("may be refused, in the runner's words", async () => {
        bench.write("no-keys");
        expect(await bench.connect({ args })).toMatchObject({
            status: 1,
            stderr: "stub runner arm64: access denied\nlinux/arm64: the runner's keys cannot be read\nconnect: not ready: linux/arm64\n",
        });
        expect(bench.buildxCalls("create")).toEqual([]);
    });

    it.each([
        ["words", "stopped\n"],
        ["nothing", ""],
        ["a certificate too few", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"],
    ])("are not taken for keys when they are %s", async (_what, text) => {
        bench.write("keys-arm64", text);
        const { status, stderr } = await bench.connect({ args });
        expect(status).toBe(1);
        expect(stderr).toMatch(
            /^linux\/arm64: the runner published no usable keys, or they cannot be written to \S+\nconnect: not/,
        );
        expect(folders().flatMap((folder) => readdirSync(bench.keysFolder("demo-dev-arm64", folder)))).toEqual([]);
    });

    it("are whole after a connect was killed while it wrote them", async () => {
        await bench.connect({ args });
        const [fingerprint = ""] = folders();
        rmSync(bench.keysFolder("demo-dev-arm64", fingerprint), { recursive: true });
        mkdirSync(bench.keysFolder("demo-dev-arm64", fingerprint, "new.aaaaaa"), { recursive: true });
        writeFileSync(bench.keysFolder("demo-dev-arm64", fingerprint, "ca.pem"), "");
        await bench.connect({ args });
        expect(authority()).toContain("CA-arm64-1");
    });
});
