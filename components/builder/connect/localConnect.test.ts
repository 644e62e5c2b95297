import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import * as path from "node:path";
import { find } from "../../../tests/helpers/find";
import { freePorts } from "../../../tests/helpers/freePorts";
import { mockPulumi, resolved } from "../../../tests/helpers/pulumiMocks";
import { type ScriptResult, shells, Workbench } from "../../../tests/helpers/workbench";
import { LocalRegistry } from "../../registry/local/localRegistry";
import { LocalRunner } from "../../runner/local/localRunner";
import { RemoteBuilder } from "../remoteBuilder";

jest.setTimeout(180_000);

const missing = [
    [process.getuid?.() !== 0, "root"],
    [!["buildkitd", "buildctl", "buildx", "registry", "runc"].every(find), "the project's tools on PATH"],
].find(([is]) => is)?.[1];
const describeHere = missing ? describe.skip : describe;

/** A server that takes connections and never says a word. */
async function silentServer(): Promise<{ server: Server; port: number }> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { server, port: (server.address() as AddressInfo).port };
}

describeHere.each(shells)("connect to real local runners, with real buildx, in %s", (_name, shell) => {
    const bench = new Workbench();
    const suffixes = ["amd64", "arm64"] as const;
    const ready = "builder demo-pr-12 is ready: linux/amd64 linux/arm64\n";
    let script: string;
    let ports: number[];

    beforeAll(async () => {
        await mockPulumi();
        ports = await freePorts(3);
        const [registryPort = 0, ...runnerPorts] = ports;
        const stackFolder = "demo-PR-12";
        const registry = new LocalRegistry("registry", {
            stackFolder,
            registryHost: "registry.example",
            localPort: registryPort,
        });
        const runners = suffixes.map(
            (suffix, at) =>
                new LocalRunner(suffix, {
                    runner: suffix,
                    platform: `linux/${suffix}`,
                    stackFolder,
                    port: runnerPorts[at] ?? 0,
                    idleMinutes: 30,
                    cacheGigabytes: 1,
                    trust: registry.trust,
                }),
        );
        script = await resolved(new RemoteBuilder("builder", { builder: "demo-PR-12", runners, registry }).connect);
        bench.write("connect.sh", script);
        // Names that buildx, curl and the shell could all trip over.
        mkdirSync(home);
    });
    afterAll(() => {
        for (const suffix of suffixes) {
            stop(suffix);
        }
        if (existsSync(folder("registry"))) {
            execFileSync("sh", ["registry.sh", "stop"], { cwd: folder("registry") });
        }
        bench.dispose();
    });

    const home = bench.path(`a "home", it's`);
    const ownFolders = { HOME: home, NATIVE_BUILDX_HOME: bench.path("data"), DOCKER_CONFIG: "", BUILDX_CONFIG: "" };
    const folder = (name: string) => bench.path(`data/demo-PR-12/${name}`);
    const stop = (suffix: string) =>
        existsSync(folder(suffix)) && execFileSync("sh", ["runner.sh", "stop"], { cwd: folder(suffix) });
    const connect = (...args: string[]) => connectWith({}, ...args);
    const connectWith = (env: { [name: string]: string }, ...args: string[]): Promise<ScriptResult> =>
        bench.run([...shell, bench.path("connect.sh"), ...args], {
            env: { ...ownFolders, ...env },
            seconds: 120,
        });
    const recordFile = (builder: string) => path.join(home, ".docker/buildx/instances", builder);
    const keysOf = (builder: string): string[] =>
        JSON.parse(readFileSync(recordFile(builder), "utf8")).Nodes.map(
            (node: { DriverOpts: { key: string } }) => node.DriverOpts.key,
        );
    const endpoints = () => readFileSync(recordFile("demo-pr-12"), "utf8").match(/tcp:\/\/[^"]*/g);
    const right = () => ports.slice(1).map((port) => `tcp://127.0.0.1:${port}`);

    it("holds no key and no path of this machine", () => {
        expect(script).not.toMatch(/-----BEGIN [A-Z ]+-----\n/);
        expect(script).not.toContain(bench.folder);
        expect(script).not.toContain(path.join(__dirname, "../../.."));
    });

    it("wakes, reads keys and proves, from a home with an odd name", async () => {
        const { status, stderr } = await connect();
        expect(stderr.endsWith(ready)).toBe(true);
        expect(status).toBe(0);
        expect(endpoints()).toEqual(right());
        expect(await connect()).toMatchObject({ status: 0, stderr: ready });
    });

    it("serves when its home has moved, to an odd name, and back", async () => {
        const moved = bench.path("an <odder> & \\ {home");
        for (const [from, to] of [
            [home, moved],
            [moved, home],
        ] as const) {
            renameSync(from, to);
            const { status, stderr } = await connectWith({ HOME: to });
            expect([status, stderr]).toEqual([0, ready]);
            const record = path.join(to, ".docker/buildx/instances/demo-pr-12");
            const { Nodes } = JSON.parse(readFileSync(record, "utf8"));
            expect(Nodes.map(({ DriverOpts }: { DriverOpts: { cacert: string } }) => DriverOpts.cacert)).toEqual([
                expect.stringContaining(to),
                expect.stringContaining(to),
            ]);
            // As buildx writes it: a connect that changes nothing leaves the file as it is.
            const written = statSync(record).mtimeMs;
            expect(await connectWith({ HOME: to })).toMatchObject({ status: 0, stderr: ready });
            expect(statSync(record).mtimeMs).toBe(written);
        }
    });

    it("has the registry's authority where Go programs look, the same after a new start", async () => {
        const trusted = () => bench.read("data/trust/demo-PR-12.pem");
        const before = trusted();
        expect(before).toContain("BEGIN CERTIFICATE");
        execFileSync("sh", ["registry.sh", "stop"], { cwd: folder("registry") });
        expect(await connect("--prepare")).toMatchObject({ status: 0 });
        expect(trusted()).toBe(before);
    });

    it("mends keys of yesterday, for two clients at once", async () => {
        const before = keysOf("demo-pr-12");
        suffixes.forEach(stop);
        const results = await Promise.all([connect(), connect()]);
        expect(results.map(({ status, stderr }) => [status, stderr])).toEqual([
            [0, ready],
            [0, ready],
        ]);
        expect(keysOf("demo-pr-12")).not.toEqual(before);
        expect(keysOf("demo-pr-12")).toEqual(suffixes.flatMap((suffix) => keysOf(`demo-pr-12-${suffix}`)));
    });

    it("lets none of eight at once fail, runners asleep", async () => {
        suffixes.forEach(stop);
        const results = await Promise.all(Array.from({ length: 8 }, () => connect()));
        expect(results.filter(({ status }) => status !== 0)).toEqual([]);
        expect(endpoints()).toEqual(right());
    });

    it("does not wait for a node that is silent and that nobody asked for", async () => {
        const { server, port } = await silentServer();
        const record = readFileSync(recordFile("demo-pr-12"), "utf8");
        writeFileSync(recordFile("demo-pr-12"), record.replace(`:${ports[1]}"`, `:${port}"`));
        stop("arm64");
        let connections = 0;
        server.on("connection", () => connections++);
        const { status } = await connect("linux/arm64");
        server.close();
        expect([status, connections]).toEqual([0, 1]);
        expect(endpoints()).toEqual([`tcp://127.0.0.1:${port}`, `tcp://127.0.0.1:${ports[2]}`]);
        expect(await connect()).toMatchObject({ status: 0, stderr: ready });
        expect(endpoints()).toEqual(right());
    });

    it.each([
        ["empty", (): string => ""],
        ["cut", (text: string): string => text.slice(0, 200)],
    ])("makes records anew that are %s", async (_how, damage) => {
        for (const builder of readdirSync(recordFile(""))) {
            writeFileSync(recordFile(builder), damage(readFileSync(recordFile(builder), "utf8")));
            writeFileSync(path.join(home, ".docker/buildx/activity", builder), "");
        }
        expect(await connect()).toMatchObject({ status: 0, stderr: ready });
        expect(endpoints()).toEqual(right());
    });

    it("does not care for settings of other programs, and leaves runners and registry that serve alone", async () => {
        const starts = () => ["amd64", "arm64", "registry"].map((name) => readFileSync(path.join(folder(name), "pid")));
        const before = starts();
        const env = {
            OTEL_TRACES_EXPORTER: "console",
            EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: "/nowhere",
            SOURCE_DATE_EPOCH: "abc",
            REGISTRY_AUTH_FILE: "/nowhere",
            CDPATH: bench.folder,
        };
        expect(await connectWith(env)).toMatchObject({ status: 0, stderr: ready });
        expect(starts()).toEqual(before);
    });

    it("serves when the folder for temporary files of whoever woke it is gone", async () => {
        suffixes.forEach(stop);
        mkdirSync(bench.path("of-a-job"));
        expect(await connectWith({ TMPDIR: bench.path("of-a-job") })).toMatchObject({ status: 0, stderr: ready });
        rmSync(bench.path("of-a-job"), { recursive: true });
        expect(await connect()).toMatchObject({ status: 0, stderr: ready });
    });

    it("gets a runner and a registry that serve after it was killed at any moment", async () => {
        mkdirSync(bench.path("killed"));
        for (const seconds of ["0.1", "0.25", "0.5", "1"]) {
            suffixes.forEach(stop);
            execFileSync("sh", ["registry.sh", "stop"], { cwd: folder("registry") });
            await bench.run(["timeout", "-s", "KILL", seconds, ...shell, bench.path("connect.sh")], {
                // It leaves a folder there.
                env: { ...ownFolders, TMPDIR: bench.path("killed") },
            });
            expect(await connect()).toMatchObject({ status: 0, stderr: expect.stringContaining(ready) });
        }
    });

    it("does not care for docker's daemon, or a context that does not exist", async () => {
        writeFileSync(path.join(home, ".docker/config.json"), '{"currentContext":"gone"}');
        const dind = { DOCKER_HOST: "tcp://docker:2376", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/certs/client" };
        expect(await connectWith(dind)).toMatchObject({ status: 0, stderr: ready });
    });
});
