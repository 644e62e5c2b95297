import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../components/architecture";
import { runConnectScript } from "../components/remoteBuilder/connectRunner";
import { type ConnectScriptInputs, renderConnectScript, shellQuote } from "../components/remoteBuilder/connectScript";
import { RemoteBuilder } from "../components/remoteBuilder/remoteBuilder";
import { TimingRecord } from "../components/remoteBuilder/timings";
import { Wakefulness } from "../components/remoteBuilder/wakefulness";
import type { ConnectNode, Runner, RunnerDescription } from "../components/runner/runner";
import { shells } from "./ec2Scripts";
import { mockPulumi, type PulumiMocks, resolved, settled } from "./pulumiMocks";

let folder: string;
beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "nbx-builder-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Waits for what other processes do. */
async function until(condition: () => boolean): Promise<void> {
    const end = Date.now() + 4000;
    while (!condition()) {
        if (Date.now() > end) {
            throw new Error(`in vain: ${condition}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
}

class StubRunner extends pulumi.ComponentResource implements Runner {
    readonly description: pulumi.Output<RunnerDescription>;
    readonly node: pulumi.Output<ConnectNode>;

    constructor(
        name: string,
        readonly platform: Platform,
        readonly wakeScript: string,
    ) {
        super("test:index:StubRunner", name);
        this.description = pulumi.output({ kind: "local", id: name, idleMinutes: 15 });
        this.node = pulumi.output<ConnectNode>({
            kind: "local",
            serverName: `${name}.example`,
            variables: { endpoint: `tcp://${name}:1` },
        });
    }
}

describe("RemoteBuilder", () => {
    let mocks: PulumiMocks;
    let said: jest.SpyInstance;
    beforeEach(async () => {
        mocks = await mockPulumi();
        writeFileSync(path.join(folder, "wake.sh"), "# wake functions\n");
        said = jest.spyOn(pulumi.log, "info").mockResolvedValue();
    });
    afterEach(async () => {
        await settled();
        said.mockRestore();
    });

    function makeBuilder(...platforms: Platform[]): RemoteBuilder {
        return new RemoteBuilder("builder", {
            builder: "demo-dev",
            runners: platforms.map(
                (platform) => new StubRunner(platform.replace("linux/", ""), platform, path.join(folder, "wake.sh")),
            ),
            idleMinutes: 15,
            timingsFile: path.join(folder, "last-up.json"),
        });
    }

    it("names a builder for people and CI, and one for each platform", () => {
        const builder = makeBuilder("linux/amd64", "linux/arm64");
        expect(builder.builder).toBe("demo-dev");
        expect(builder.platforms).toEqual(["linux/amd64", "linux/arm64"]);
        expect(builder.platforms.map((platform) => builder.builderOf(platform))).toEqual([
            "demo-dev-amd64",
            "demo-dev-arm64",
        ]);
    });

    it("registers itself as nothing but a component: no record of a builder is in the state", async () => {
        makeBuilder("linux/arm64");
        await settled();
        expect(mocks.resources.map(({ type }) => type).sort()).toEqual([
            "native-buildx:index:RemoteBuilder",
            "test:index:StubRunner",
        ]);
    });

    it("describes its runners by platform", async () => {
        expect(await resolved(makeBuilder("linux/amd64", "linux/arm64").runners)).toEqual({
            "linux/amd64": { kind: "local", id: "amd64", idleMinutes: 15 },
            "linux/arm64": { kind: "local", id: "arm64", idleMinutes: 15 },
        });
    });

    it("has the connect script, which is no secret, with each wake script once", async () => {
        const { connect } = makeBuilder("linux/amd64", "linux/arm64");
        expect(await pulumi.isSecret(connect)).toBe(false);
        const script = await resolved(connect);
        expect(script.split("# wake functions")).toHaveLength(2);
        expect(script).toContain("\nsuffixes='amd64 arm64'\n");
        expect(script).toContain("\nendpoint_arm64='tcp://arm64:1'\n");
    });

    it("has hooks of its own for each platform, before and after what builds", async () => {
        const builder = makeBuilder("linux/amd64", "linux/arm64");
        const names = (platform: Platform) => {
            const hooks = (builder.imageOptions(platform).hooks ?? {}) as { [event: string]: pulumi.ResourceHook[] };
            return Object.fromEntries(Object.entries(hooks).map(([event, list]) => [event, list.map((h) => h.name)]));
        };
        const of = (suffix: string) => ({
            beforeCreate: [`builder-wake-${suffix}`],
            beforeUpdate: [`builder-wake-${suffix}`],
            afterCreate: [`builder-built-${suffix}`],
            afterUpdate: [`builder-built-${suffix}`],
        });
        expect(names("linux/amd64")).toEqual(of("amd64"));
        expect(names("linux/arm64")).toEqual(of("arm64"));
        const { beforeCreate, beforeUpdate, ...others } = builder.indexOptions().hooks ?? {};
        expect([beforeCreate, beforeUpdate].flat().map((hook) => (hook as pulumi.ResourceHook).name)).toEqual([
            "builder-prepare",
            "builder-prepare",
        ]);
        expect(others).toEqual({});
    });

    /** A wake script that notes how the connect script was run, and ends it there. */
    const noteAndEnd = (ending: string) =>
        writeFileSync(path.join(folder, "wake.sh"), `echo "$*" >>'${folder}/log'\n${ending}\n`);
    const run = (hook: unknown) => (hook as pulumi.ResourceHook).callback({ name: "app-arm64" } as never);

    it("connects an image's platform before its build, and no other, and notes the seconds after it", async () => {
        noteAndEnd("exit 0");
        const builder = makeBuilder("linux/amd64", "linux/arm64");
        const { beforeCreate, afterCreate } = builder.imageOptions("linux/arm64").hooks ?? {};
        await run(beforeCreate?.[0]);
        await run(builder.indexOptions().hooks?.beforeUpdate?.[0]);
        expect(readFileSync(path.join(folder, "log"), "utf8")).toBe("linux/arm64\n--prepare\n");
        await run(afterCreate?.[0]);
        expect(said).toHaveBeenLastCalledWith(expect.stringMatching(/^app-arm64: built for linux\/arm64 in \d/));
        expect(JSON.parse(readFileSync(path.join(folder, "last-up.json"), "utf8"))).toEqual({
            "app-arm64": {
                platform: "linux/arm64",
                began: expect.any(Number),
                waking: expect.any(Number),
                building: expect.any(Number),
            },
        });
    });

    it("fails an image whose runner cannot be woken, with what the script said", async () => {
        noteAndEnd("echo 'arm64 runner: no capacity' >&2; exit 1");
        const hooks = makeBuilder("linux/arm64").imageOptions("linux/arm64").hooks ?? {};
        await expect(run(hooks.beforeUpdate?.[0])).rejects.toThrow("arm64 runner: no capacity");
        expect(said.mock.calls.map(([line]) => line)).toEqual(["arm64 runner: no capacity"]);
    });

    it("makes an image depend on its own platform's runner only", () => {
        const builder = makeBuilder("linux/amd64", "linux/arm64");
        const dependsOn = builder.imageOptions("linux/arm64").dependsOn as StubRunner[];
        expect(dependsOn.map((runner) => runner.platform)).toEqual(["linux/arm64"]);
    });

    it("has no options for a platform without a runner, and says which there are", () => {
        const builder = makeBuilder("linux/amd64");
        expect(() => builder.imageOptions("linux/arm64")).toThrow(
            "Builder demo-dev has no runner for platform linux/arm64: it has linux/amd64.",
        );
    });
});

describe("the connect script", () => {
    const inputs: ConnectScriptInputs = {
        builder: "demo-Dev",
        nodes: {
            "linux/amd64": {
                kind: "local",
                serverName: "amd64.example",
                variables: { folder: "/f/amd64" },
                shared: { script: "one\ntwo\n" },
            },
            "linux/arm64": { kind: "ec2", serverName: "arm64.example", variables: { instance: "i-0a" } },
        },
        wakeScripts: ["wake_local() { :; }", "wake_ec2() { :; }"],
    };

    it("has every variable in front, then the wake functions, then its parts as they are", () => {
        const script = renderConnectScript(inputs);
        const parts = ["clientKeys.sh", "register.sh", "prove.sh", "connect.sh"].map((part) =>
            readFileSync(path.join(__dirname, "../components/remoteBuilder", part), "utf8"),
        );
        expect(script.endsWith(`\nwake_local() { :; }\nwake_ec2() { :; }\n${parts.join("\n")}`)).toBe(true);
        expect(script.slice(0, script.indexOf("wake_local")).split("\n").slice(0, -1)).toEqual([
            "#!/bin/sh",
            expect.stringMatching(/^# Connects to demo-Dev: /),
            "builder='demo-dev'",
            "suffixes='amd64 arm64'",
            "script='one",
            "two'",
            "platform_amd64='linux/amd64'",
            "kind_amd64='local'",
            "server_name_amd64='amd64.example'",
            "folder_amd64='/f/amd64'",
            "platform_arm64='linux/arm64'",
            "kind_arm64='ec2'",
            "server_name_arm64='arm64.example'",
            "instance_arm64='i-0a'",
        ]);
    });

    const nasty: [string, string][] = [
        ["nothing", ""],
        ["single quotes", "it's '' '"],
        ["double quotes", 'say "hi"'],
        ["expansions", `$HOME $\{HOME} $(id) \`id\` $((1+1)) $'`],
        ["backslashes", "a\\b \\n \\\\ \\' \\"],
        ["globs and braces", "* ? [a-z] {a,b} ~"],
        ["operators", "a;b & c | d > e < f # g ! h (i)"],
        ["line ends inside", "one\ntwo\n\nthree\r\nfour"],
        ["tabs and blanks", "\t a  b\tc"],
        ["an option", "-n -e"],
        ["per cent signs", "%s %d %%"],
        ["other scripts", "ä € 漢字 🚀"],
        ["control characters", "\u0001\u001b[31m\u007f"],
    ];
    describe.each(shells)("in %s", (_shell, [file = "", ...args]) => {
        it.each(nasty)("passes on %s", (_what, value) => {
            const script = `value=${shellQuote(value)}\nprintf '%s' "$value"`;
            expect(execFileSync(file, [...args, "-c", script], { encoding: "utf8" })).toBe(value);
        });
    });
});

describe("running the connect script", () => {
    it("gives it on standard input, the platforms as arguments", async () => {
        const out = path.join(folder, "out");
        await runConnectScript(`tr '\\0' ' ' <"/proc/$$/cmdline" >'${out}'; echo "$*" >>'${out}' # KEY`, ["a", "b"]);
        expect(readFileSync(out, "utf8")).toMatch(/^\S*sh -s -- a b a b\n$/);
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

describe("Wakefulness", () => {
    let log: string;
    beforeEach(() => {
        log = path.join(folder, "log");
        writeFileSync(log, "");
    });
    afterEach(() => jest.useRealTimers());

    const runs = () =>
        readFileSync(log, "utf8")
            .split("\n")
            .filter((line) => line !== "");
    const note = () => `echo "$*" >>'${log}'\n`;
    /** Fakes what tells the time; child processes need the rest. */
    const stopTheClock = () =>
        jest.useFakeTimers({
            doNotFake: ["nextTick", "queueMicrotask", "setImmediate", "clearImmediate", "setTimeout", "clearTimeout"],
        });

    it("wakes two platforms side by side", async () => {
        // Each waits for the other: one after the other would never end.
        const wakefulness = new Wakefulness(async () => {
            const other = '$(if [ "$1" = linux/amd64 ]; then echo arm64; else echo amd64; fi)';
            return `${note()}: >'${folder}'/"\${1#linux/}"\nuntil [ -e '${folder}'/"${other}" ]; do sleep 0.02; done`;
        }, 900);
        await Promise.all([wakefulness.connect("linux/amd64"), wakefulness.connect("linux/arm64")]);
        expect(runs().sort()).toEqual(["linux/amd64", "linux/arm64"]);
    });

    it("connects once for all who ask at the same time", async () => {
        const wakefulness = new Wakefulness(async () => note(), 900);
        await Promise.all([1, 2, 3].map(() => wakefulness.connect("linux/arm64")));
        expect(runs()).toEqual(["linux/arm64"]);
    });

    it("trusts a runner that was just seen to serve, for five seconds, and no other", async () => {
        stopTheClock();
        const wakefulness = new Wakefulness(async () => note(), 900);
        await wakefulness.connect("linux/arm64");
        jest.advanceTimersByTime(4_900);
        expect(await wakefulness.connect("linux/arm64")).toBe(0);
        expect(runs()).toEqual(["linux/arm64"]);
        await wakefulness.connect("linux/amd64");
        jest.advanceTimersByTime(200);
        await wakefulness.connect("linux/arm64");
        expect(runs()).toEqual(["linux/arm64", "linux/amd64", "linux/arm64"]);
    });

    it("tells what is said meanwhile, and how long it took", async () => {
        const lines: string[] = [];
        const wakefulness = new Wakefulness(async () => "echo starting >&2", 900);
        expect(await wakefulness.connect("linux/arm64", (line) => lines.push(line))).toBeGreaterThan(0);
        expect(lines).toEqual(["starting"]);
    });

    it("fails with what the script said, and tries again when asked again", async () => {
        const wakefulness = new Wakefulness(
            async () => `${note()}if [ ! -e '${folder}/ready' ]; then echo 'no capacity' >&2; exit 1; fi`,
            900,
        );
        await expect(wakefulness.connect("linux/arm64")).rejects.toThrow("no capacity");
        writeFileSync(path.join(folder, "ready"), "");
        await wakefulness.connect("linux/arm64");
        expect(runs()).toHaveLength(2);
    });

    it("fails when there is no script", async () => {
        const wakefulness = new Wakefulness(() => Promise.reject(new Error("not known")), 900);
        await expect(wakefulness.connect("linux/arm64")).rejects.toThrow("not known");
        await expect(wakefulness.prepare()).rejects.toThrow("not known");
    });

    it.each([
        [15 * 60, 60],
        [90, 30],
        [3, 1],
        [0, 60],
    ])("with an idle time of %d s keeps a woken runner awake every %d s", async (idleSeconds, period) => {
        stopTheClock();
        const wakefulness = new Wakefulness(async () => note(), idleSeconds);
        await wakefulness.connect("linux/arm64");
        jest.advanceTimersByTime(period * 1000 - 1);
        expect(runs()).toEqual(["linux/arm64"]);
        jest.advanceTimersByTime(1);
        await until(() => runs().length === 2);
        jest.advanceTimersByTime(period * 1000);
        await until(() => runs().length === 3);
        expect(runs()).toEqual(["linux/arm64", "--keep-awake linux/arm64", "--keep-awake linux/arm64"]);
    });

    it("keeps nobody awake whom it did not wake, and beats once however often it connected", async () => {
        stopTheClock();
        const script = `${note()}if [ "$1" = linux/amd64 ]; then exit 1; fi`;
        const wakefulness = new Wakefulness(async () => script, 30);
        await wakefulness.connect("linux/arm64");
        await expect(wakefulness.connect("linux/amd64")).rejects.toThrow("status 1");
        jest.advanceTimersByTime(6_000);
        await wakefulness.connect("linux/arm64");
        expect(jest.getTimerCount()).toBe(1);
    });

    it("survives a heartbeat that fails", async () => {
        stopTheClock();
        const wakefulness = new Wakefulness(async () => `${note()}if [ "$1" = --keep-awake ]; then exit 1; fi`, 30);
        await wakefulness.connect("linux/arm64");
        jest.advanceTimersByTime(10_000);
        await until(() => runs().length === 2);
        jest.advanceTimersByTime(10_000);
        await until(() => runs().length === 3);
    });

    it("prepares once, without a platform", async () => {
        const wakefulness = new Wakefulness(async () => note(), 900);
        await Promise.all([wakefulness.prepare(), wakefulness.prepare()]);
        await wakefulness.prepare();
        expect(runs()).toEqual(["--prepare"]);
    });
});

describe("the record of an up's timings", () => {
    it("has what was built, and makes its folder", () => {
        const file = path.join(folder, "stack", "last-up.json");
        const record = new TimingRecord(file);
        record.begin("app-arm64", "linux/arm64", 1.5);
        expect(existsSync(file)).toBe(false);
        expect(record.end("app-amd64")).toBeUndefined();
        expect(record.end("app-arm64")).toMatchObject({ platform: "linux/arm64", waking: 1.5 });
        expect(Object.keys(JSON.parse(readFileSync(file, "utf8")))).toEqual(["app-arm64"]);
    });
});
