import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { localStackForEach } from "../../../tests/helpers/localStack";
import { resolved, settled } from "../../../tests/helpers/pulumiMocks";
import type { Platform } from "../../architecture";
import { type BuildkitdConfig, renderBuildkitdConfig } from "../buildkitdConfig";
import { runnerName } from "../runnerNames";
import { LocalRunner, type LocalRunnerArgs, localBuildkitdConfig } from "./localRunner";

const folderType = "native-buildx:index:LocalFolder";

describe("a local runner", () => {
    const stack = localStackForEach();

    function makeRunner(changes: Partial<LocalRunnerArgs> = {}): LocalRunner {
        return new LocalRunner("runner", {
            runner: "arm64",
            platform: "linux/arm64",
            stackFolder: "demo-dev",
            port: 7445,
            idleMinutes: 15,
            cacheGigabytes: 30,
            trust: stack.registry.trust,
            ...changes,
        });
    }

    it("has a folder that goes with it on destroy, named without this machine's paths", async () => {
        makeRunner();
        await settled();
        const folder = stack.mocks.one(folderType, "runner");
        expect(folder.parent).toBe("runner");
        expect(folder.inputs).toMatchObject({ folder: "demo-dev/arm64", script: "runner.sh", alsoRemove: [] });
        expect(JSON.stringify(stack.mocks.resources)).not.toContain("/data");
    });

    it("describes itself", async () => {
        const runner = makeRunner();
        expect(runner.platform).toBe("linux/arm64");
        expect(runner.wakeScripts.map((file) => path.basename(file))).toEqual(["wakeLocal.sh"]);
        expect(await resolved(runner.description)).toEqual({
            kind: "local",
            platform: "linux/arm64",
            id: "demo-dev/arm64",
            idleMinutes: 15,
        });
    });

    it("gives the connect script what it needs: no secret, and nothing of this machine", async () => {
        const runner = makeRunner();
        expect(await pulumi.isSecret(runner.node)).toBe(false);
        const node = await resolved(runner.node);
        expect(JSON.stringify(node)).not.toMatch(/\/data|PRIVATE KEY-|BEGIN CERTIFICATE/);
        const { kind, serverName, variables, shared } = node;
        expect({ kind, serverName }).toEqual({ kind: "local", serverName: "arm64.runner.native-buildx.internal" });
        expect(variables).toEqual({
            folder: "demo-dev/arm64",
            name: "linux/arm64 runner",
            endpoint: "tcp://127.0.0.1:7445",
            idle_seconds: "900",
            emulator: "aarch64",
            step_memory_megabytes: "0",
            configuration: expect.stringContaining('root = "@folder@/root"'),
            trusted_hosts: "registry.example",
            trusted_files: "../../trust/demo-dev.pem",
        });
        expect(shared).toMatchObject({
            daemon_script: expect.stringContaining("start_daemon()"),
            keys_script: expect.stringContaining("make_keys()"),
            idle_script: expect.stringContaining("is_idle()"),
            steps_script: expect.stringContaining("limit_steps()"),
            room_script: expect.stringContaining("make_room()"),
            step_runtime_script: expect.stringContaining("oom_score_adj"),
            watch_script: expect.stringContaining("watch()"),
            runner_script: expect.stringContaining("supervise()"),
        });
    });

    it("trusts as many registries as it is told", async () => {
        const other = { host: "other.example", certificateFile: "trust/other.pem" };
        const runner = makeRunner({ trust: [stack.registry.trust, other] });
        const { trusted_hosts, trusted_files, configuration } = (await resolved(runner.node)).variables;
        expect(trusted_hosts).toBe("registry.example,other.example");
        expect(trusted_files).toBe("../../trust/demo-dev.pem\n../../trust/other.pem");
        expect(configuration).toMatch(
            /\[registry\."registry\.example:7443"\]\n {2}ca = \["@folder@\/\.\.\/\.\.\/trust\/demo-dev\.pem"\]\n[\s\S]*\[registry\."other\.example"\]/,
        );
    });

    it("has the mirrors of its registries beside the local registry's certificate", async () => {
        const registryMirrors = { "docker.io": ["http://registry.example:7443"] };
        const { configuration } = (await resolved(makeRunner({ registryMirrors }).node)).variables;
        expect(configuration).toMatch(/\[registry\."registry\.example:7443"\]\n {2}ca = .*\n {2}http = true\n/);
        expect(configuration).toContain('[registry."docker.io"]\n  mirrors = ["registry.example:7443"]');
    });

    it.each([
        [0, "0"],
        [1, "60"],
        [1440, "86400"],
    ])("with idleMinutes %d gets idle_seconds %s", async (idleMinutes, seconds) => {
        expect((await resolved(makeRunner({ idleMinutes }).node)).variables.idle_seconds).toBe(seconds);
    });

    it("keeps everything below its own folder, on a loopback port, and trusts the registry", () => {
        const config = localBuildkitdConfig({
            runner: "arm64",
            platform: "linux/arm64",
            stackFolder: "demo-dev",
            port: 7445,
            idleMinutes: 15,
            cacheGigabytes: 30,
            trust: stack.registry.trust,
        });
        // The wake script puts the folder's path on the machine at hand there.
        const folder = "@folder@";
        expect(config).toEqual({
            platform: "linux/arm64",
            machinePlatform: "linux/@machine@",
            root: `${folder}/root`,
            server: {
                tcpAddress: "127.0.0.1:7445",
                ca: `${folder}/keys/ca.pem`,
                certificate: `${folder}/keys/cert.pem`,
                key: `${folder}/keys/key.pem`,
            },
            socket: `${folder}/buildkitd.sock`,
            otelSocket: `${folder}/otel.sock`,
            maxUsedSpace: 22.5 * 2 ** 30,
            reservedSpace: 7.5 * 2 ** 30,
            minFreeSpace: 2 * 2 ** 30,
            network: "host",
            runtime: `${folder}/step-runtime.sh`,
            stepGroup: "@group@",
            maxParallelism: 0,
            history: { days: 7, builds: 50 },
            registryCa: { "registry.example:7443": `${folder}/../../trust/demo-dev.pem` },
        });
    });

    it("keeps three quarters of the room for its cache between builds", () => {
        const args = { stackFolder: "demo-dev", port: 1, idleMinutes: 1, runner: "amd64" } as const;
        const config = localBuildkitdConfig({ ...args, platform: "linux/amd64", cacheGigabytes: 8 });
        expect(config).toMatchObject({ maxUsedSpace: 6 * 2 ** 30, reservedSpace: 2 * 2 ** 30 });
    });

    it("has nothing in common with the other platform's runner of the same stack", async () => {
        const folders = await Promise.all(
            (["linux/amd64", "linux/arm64"] as Platform[]).map(async (platform, at) => {
                const runner = new LocalRunner(`runner-${at}`, {
                    runner: runnerName(platform),
                    platform,
                    stackFolder: "demo-dev",
                    port: 7444 + at,
                    idleMinutes: 15,
                    cacheGigabytes: 30,
                    trust: stack.registry.trust,
                });
                return (await resolved(runner.node)).variables;
            }),
        );
        const [amd64, arm64] = folders;
        for (const variable of ["folder", "endpoint", "configuration", "name"]) {
            expect(amd64?.[variable]).not.toBe(arm64?.[variable]);
        }
        expect(amd64?.configuration).not.toContain("/arm64/");
    });
});

describe("buildkitd.toml", () => {
    const config: BuildkitdConfig = {
        platform: "linux/arm64",
        root: "/r",
        server: {
            tcpAddress: "0.0.0.0:9753",
            ca: "/tls/ca.pem",
            certificate: "/tls/cert.pem",
            key: "/tls/key.pem",
        },
        socket: "/run/b.sock",
        otelSocket: "/run/o.sock",
        maxUsedSpace: 30e9,
        reservedSpace: 5e9,
        minFreeSpace: 2e9,
        network: "host",
    };
    /** `[section] line` for each line, without indentation. */
    function linesOf(text: string): string[] {
        let section = "";
        return text.split("\n").flatMap((raw) => {
            const line = raw.trim();
            if (line.startsWith("[")) {
                section = line;
                return [];
            }
            return line === "" ? [] : [`${section} ${line}`.trim()];
        });
    }

    it("is complete with nothing but what every runner needs", () => {
        expect(linesOf(renderBuildkitdConfig(config))).toEqual([
            'root = "/r"',
            '[grpc] address = ["unix:///run/b.sock", "tcp://0.0.0.0:9753"]',
            '[grpc.tls] ca = "/tls/ca.pem"',
            '[grpc.tls] cert = "/tls/cert.pem"',
            '[grpc.tls] key = "/tls/key.pem"',
            '[otel] socketPath = "/run/o.sock"',
            "[worker.oci] enabled = true",
            '[worker.oci] platforms = ["linux/arm64"]',
            '[worker.oci] networkMode = "host"',
            "[worker.oci] gc = true",
            "[[worker.oci.gcpolicy]] all = true",
            "[[worker.oci.gcpolicy]] maxUsedSpace = 30000000000",
            "[[worker.oci.gcpolicy]] reservedSpace = 5000000000",
            "[[worker.oci.gcpolicy]] minFreeSpace = 2000000000",
            "[worker.containerd] enabled = false",
        ]);
    });

    it.each<[string, Partial<BuildkitdConfig>, string[]]>([
        [
            "a network of CNI plugins",
            { network: { configuration: "/etc/builds.conflist", plugins: "/opt/cni" } },
            [
                '[worker.oci] networkMode = "cni"',
                '[worker.oci] cniConfigPath = "/etc/builds.conflist"',
                '[worker.oci] cniBinaryPath = "/opt/cni"',
            ],
        ],
        [
            "another platform of the machine's own",
            { machinePlatform: "linux/x86_64" },
            ['[worker.oci] platforms = ["linux/x86_64", "linux/arm64"]'],
        ],
        ["another runtime", { runtime: "/opt/crun" }, ['[worker.oci] binary = "/opt/crun"']],
        ["a group for build steps", { stepGroup: "builds" }, ['[worker.oci] defaultCgroupParent = "builds"']],
        ["a bound on build steps", { maxParallelism: 7 }, ["[worker.oci] max-parallelism = 7"]],
        [
            "a history",
            { history: { days: 30, builds: 200 } },
            ['[history] maxAge = "720h"', "[history] maxEntries = 200"],
        ],
        [
            "registries of other authorities",
            { registryCa: { "a.example:7443": "/a.pem", "b.example": "/b.pem" } },
            ['[registry."a.example:7443"] ca = ["/a.pem"]', '[registry."b.example"] ca = ["/b.pem"]'],
        ],
        [
            "mirrors, in the tables that their hosts have already",
            {
                registryCa: { "a.example:7443": "/a.pem" },
                registryMirrors: { "docker.io": ["http://a.example:7443"], "a.example:7443": ["b.example"] },
            },
            [
                '[registry."a.example:7443"] ca = ["/a.pem"]',
                '[registry."a.example:7443"] mirrors = ["b.example"]',
                '[registry."a.example:7443"] http = true',
                '[registry."docker.io"] mirrors = ["a.example:7443"]',
            ],
        ],
        ["a path with quotes and backslashes", { root: 'C:\\a "b"' }, ['root = "C:\\\\a \\"b\\""']],
    ])("with %s", (_what, changes, lines) => {
        expect(linesOf(renderBuildkitdConfig({ ...config, ...changes }))).toEqual(expect.arrayContaining(lines));
    });

    it.each(["network.host", "security.insecure", "insecure-entitlements"])("never grants %s", (entitlement) => {
        expect(renderBuildkitdConfig(config)).not.toContain(entitlement);
    });
});
