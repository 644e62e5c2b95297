import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { withBuildx } from "./buildx";
import { Connections, runConnectScript } from "./connectScript";

let folder: string;
beforeEach(() => {
    folder = temporaryFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("running the connect script", () => {
    it("gives it on standard input, the platforms as arguments", async () => {
        const out = path.join(folder, "out");
        await runConnectScript(`tr '\\0' ' ' <"/proc/$$/cmdline" >'${out}'; echo "$*" >>'${out}' # KEY`, ["a", "b"]);
        expect(readFileSync(out, "utf8")).toMatch(/^\S*sh -s -- a b a b\n$/);
    });

    it("gives it a place for the builders where docker's configuration cannot be written to", async () => {
        const out = path.join(folder, "out");
        const environment = process.env;
        // Nobody can make a file there, root neither.
        process.env = { ...environment, DOCKER_CONFIG: "/sys", BUILDX_CONFIG: "", NATIVE_BUILDX_HOME: folder };
        await runConnectScript(`echo "$BUILDX_CONFIG" >'${out}'`, []).finally(() => {
            process.env = environment;
        });
        expect(readFileSync(out, "utf8")).toBe(`${folder}/buildx\n`);
    });

    it("tells each line as it comes", async () => {
        const lines: string[] = [];
        await runConnectScript("echo one >&2; echo hidden; printf 'two\\nthree\\n' >&2", [], (line) =>
            lines.push(line),
        );
        expect(lines).toEqual(["one", "two", "three"]);
    });

    it.each([
        [
            "the end of what it said",
            "for i in 1 2 3 4 5 6 7 8 9; do echo $i >&2; done; exit 1",
            /^2\n3\n4\n5\n6\n7\n8\n9$/,
        ],
        ["a last line without an end", "printf 'no disk' >&2; exit 1", /^no disk$/],
        ["its status, if it said nothing", "exit 7", /^connect ended with status 7$/],
        ["its signal, if it said nothing", "kill -TERM $$", /^connect ended with SIGTERM$/],
    ])("fails with %s", async (_what, script, message) => {
        await expect(runConnectScript(script, [])).rejects.toThrow(message);
    });

    it("does not choke on a script that gives up before it was read", async () => {
        await expect(runConnectScript(`exit 3\n${"#".repeat(1_000_000)}`, [])).rejects.toThrow("status 3");
    });
});

describe("a canceled run of the connect script", () => {
    it("ends the script and says so", async () => {
        const abort = new AbortController();
        const running = runConnectScript("echo started >&2; exec sleep 60", [], () => abort.abort(), abort.signal);
        await expect(running).rejects.toThrow("canceled");
    });
});

describe("connections", () => {
    let log: string;
    const { signal } = new AbortController();
    beforeEach(() => {
        log = path.join(folder, "log");
        writeFileSync(log, "");
        process.env = { ...environment, BUILDX_CONFIG: path.join(folder, "buildx") };
    });
    afterEach(() => {
        process.env = environment;
        jest.useRealTimers();
    });

    const environment = process.env;
    const noted = () =>
        readFileSync(log, "utf8")
            .split("\n")
            .filter((line) => line !== "");
    const runs = () => noted().map((line) => line.replace(/ --records \S+$/, ""));
    const newConnections = () => new Connections(async () => ["docker", "buildx"]);
    const note = () => `echo "$*" >>'${log}'\n`;
    const connect = (connections: Connections, script: string, arch: string, onProgress = (_line: string) => {}) =>
        connections.connect(
            connections.keep(script),
            { builder: `demo-${arch}`, runner: `linux/${arch}` },
            onProgress,
            signal,
        );
    /** Fakes what tells the time; child processes need the rest. */
    const stopTheClock = () =>
        jest.useFakeTimers({
            doNotFake: ["nextTick", "queueMicrotask", "setImmediate", "clearImmediate", "setTimeout", "clearTimeout"],
        });

    it("wake two platforms side by side", async () => {
        // Each waits for the other: one after the other would never end.
        const other = '$(if [ "$1" = linux/amd64 ]; then echo arm64; else echo amd64; fi)';
        const script = `${note()}: >'${folder}'/"\${1#linux/}"\nuntil [ -e '${folder}'/"${other}" ]; do sleep 0.02; done`;
        const connections = newConnections();
        await Promise.all([connect(connections, script, "amd64"), connect(connections, script, "arm64")]);
        expect(runs().sort()).toEqual(["linux/amd64", "linux/arm64"]);
    });

    it("are made once for all who ask at the same time", async () => {
        const connections = newConnections();
        await Promise.all([1, 2, 3].map(() => connect(connections, note(), "arm64")));
        expect(runs()).toEqual(["linux/arm64"]);
    });

    it("trust a runner that was just seen to serve, for five seconds, and no other", async () => {
        stopTheClock();
        const connections = newConnections();
        await connect(connections, note(), "arm64");
        jest.advanceTimersByTime(4_900);
        expect(await connect(connections, note(), "arm64")).toEqual({ seconds: 0 });
        expect(runs()).toEqual(["linux/arm64"]);
        await connect(connections, note(), "amd64");
        jest.advanceTimersByTime(200);
        await connect(connections, note(), "arm64");
        expect(runs()).toEqual(["linux/arm64", "linux/amd64", "linux/arm64"]);
    });

    it("take no runner for that of another script, whose builder has the same name", async () => {
        const connections = newConnections();
        const failing = connections.keep(`${note()}echo 'no capacity' >&2; exit 1`);
        const asked = performance.now();
        const waking = { builder: "demo-arm64", runner: "linux/arm64", asked };
        const first = connections.connect(failing, waking, () => undefined, signal);
        await Promise.all([expect(first).rejects.toThrow("no capacity"), connect(connections, note(), "arm64")]);
        await connect(connections, `${note()}# another`, "arm64");
        expect(runs()).toEqual(["linux/arm64", "linux/arm64", "linux/arm64"]);
    });

    it("trust a runner on which a build has just ended, and the registry that it was pushed to", async () => {
        stopTheClock();
        const connections = newConnections();
        const script = connections.keep(note());
        connections.served(script, "demo-arm64");
        jest.advanceTimersByTime(4_900);
        expect(await connect(connections, note(), "arm64")).toEqual({ seconds: 0 });
        await connections.prepare(script, signal);
        expect(runs()).toEqual([]);
        jest.advanceTimersByTime(200);
        await connections.prepare(script, signal);
        await connect(connections, note(), "arm64");
        expect(runs()).toEqual(["--prepare", "linux/arm64"]);
    });

    it("name the buildx of the builds, where it is known by its path", async () => {
        await connect(new Connections(async () => ["/with space/buildx"]), note(), "arm64");
        const none = () => Promise.reject(new Error("not found"));
        await connect(new Connections(none), note(), "arm64");
        expect(runs()).toEqual(["--buildx /with space/buildx linux/arm64", "linux/arm64"]);
    });

    it("register the builders where the stack's builds look for them, and no other stack does", async () => {
        const connections = newConnections();
        const scripts = [note(), `${note()}# of another stack`].map((text) => connections.keep(text));
        for (const script of scripts) {
            await connections.connect(script, { builder: `demo-${script}`, runner: "arm64" }, () => undefined, signal);
        }
        const recordsOf = (stack: string) =>
            withBuildx({ logins: [], stack }, async (buildx) => buildx.environment.BUILDX_CONFIG);
        const records = await Promise.all(scripts.map(recordsOf));
        expect(noted()).toEqual(records.map((place) => `arm64 --records ${place}`));
        const places = [...records, process.env.BUILDX_CONFIG].map((place = "") => place);
        expect(new Set(places).size).toBe(3);
        // By which a runner knows the contexts that this machine has sent it, whatever the stack's script is by now.
        const ids = places.map((place) => readFileSync(path.join(place, ".buildNodeID"), "utf8"));
        expect(ids).toEqual(Array(3).fill(expect.stringMatching(/^[0-9a-f]{16}$/)));
        expect(new Set(ids).size).toBe(1);
    });

    it("forget the builders of stacks that nobody has used for a month", async () => {
        const stacks = path.join(folder, "buildx/native-buildx/stacks");
        const [unused, used] = ["unused", "used"].map((name) => path.join(stacks, name)) as [string, string];
        const days = (count: number) => new Date(Date.now() - count * 24 * 3600 * 1000);
        for (const [place, since] of [
            [unused, days(31)],
            [used, days(29)],
        ] as const) {
            mkdirSync(path.join(place, "instances"), { recursive: true });
            utimesSync(place, since, since);
        }
        await connect(newConnections(), note(), "arm64");
        expect([unused, used].map((place) => existsSync(place))).toEqual([false, true]);
    });

    it("tell what is said meanwhile, and how long it took", async () => {
        const lines: string[] = [];
        const { seconds } = await connect(newConnections(), "echo starting >&2", "arm64", (line) => lines.push(line));
        expect(seconds).toBeGreaterThan(0);
        expect(lines).toEqual(["starting"]);
    });

    it("tell what serves in the place of the runner's own machine, also those who come right after, until it serves again", async () => {
        stopTheClock();
        const connections = newConnections();
        const on = { type: "m7g.xlarge", runner: "arm64" };
        const script = `[ -e '${folder}/own' ] || echo 'arm64 is served by m7g.xlarge of arm64'`;
        expect(await connect(connections, script, "arm64")).toEqual({ seconds: expect.any(Number), on });
        expect(await connect(connections, script, "arm64")).toEqual({ seconds: 0, on });
        writeFileSync(path.join(folder, "own"), "");
        jest.advanceTimersByTime(6_000);
        expect((await connect(connections, script, "arm64")).on).toBeUndefined();
    });

    it("fail with what the script said, and are tried again when asked again", async () => {
        const script = `${note()}if [ ! -e '${folder}/ready' ]; then echo 'no capacity' >&2; exit 1; fi`;
        const connections = newConnections();
        await expect(connect(connections, script, "arm64")).rejects.toThrow("no capacity");
        writeFileSync(path.join(folder, "ready"), "");
        await connect(connections, script, "arm64");
        expect(runs()).toHaveLength(2);
    });

    it("fail at once for those who asked before the failure and come to their turn after it", async () => {
        const connections = newConnections();
        const script = connections.keep(`${note()}echo 'no capacity' >&2; exit 1`);
        const asked = performance.now();
        const connectAsked = (builder: string) =>
            connections.connect(script, { builder, runner: builder, asked }, () => undefined, signal);
        for (const builder of ["demo-arm64", "demo-arm64", "demo-amd64"]) {
            await expect(connectAsked(builder)).rejects.toThrow("no capacity");
        }
        expect(runs()).toEqual(["demo-arm64", "demo-amd64"]);
    });

    it("prepare without a platform, once for all who ask at the same time", async () => {
        const connections = newConnections();
        const script = connections.keep(note());
        await Promise.all([1, 2].map(() => connections.prepare(script, signal)));
        expect(runs()).toEqual(["--prepare"]);
    });

    it("run the script that was kept under the key, and none that was not", async () => {
        const connections = newConnections();
        const script = connections.keep(note());
        const other = connections.keep(`echo other >>'${log}'`);
        expect(script).not.toBe(other);
        await connections.connect(other, { builder: "demo-arm64", runner: "arm64" }, () => undefined, signal);
        expect(runs()).toEqual(["other"]);
        await expect(newConnections().prepare(script, signal)).rejects.toThrow(/was not given to the provider/);
    });
});
