import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { mockPulumi, type PulumiMocks, resolved, scriptKey, settled } from "../../tests/helpers/pulumiMocks";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { shells } from "../../tests/helpers/workbench";
import type { Platform } from "../architecture";
import type { ConnectNode, Runner, RunnerDescription } from "../runner/runner";
import { shellQuote } from "../shell";
import { type ConnectScriptInputs, renderConnectScript } from "./connect/connectScript";
import { RemoteBuilder } from "./remoteBuilder";

let folder: string;
beforeEach(() => {
    folder = temporaryFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

class StubRunner extends pulumi.ComponentResource implements Runner {
    readonly description: pulumi.Output<RunnerDescription>;
    resource?: pulumi.Resource;
    inCluster?: boolean;
    hereScript?: string;
    readonly node: pulumi.Output<ConnectNode>;

    constructor(
        readonly runnerName: string,
        readonly platform: Platform,
        readonly wakeScripts: string[],
    ) {
        super("test:index:StubRunner", runnerName);
        const name = runnerName;
        this.description = pulumi.output<RunnerDescription>({ kind: "local", platform, id: name, idleMinutes: 15 });
        this.node = pulumi.output<ConnectNode>({
            kind: "local",
            platform,
            serverName: `${name}.example`,
            variables: { endpoint: `tcp://${name}:1` },
        });
    }
}

class OwnProvider extends pulumi.ProviderResource {}

describe("RemoteBuilder", () => {
    let mocks: PulumiMocks;
    beforeEach(async () => {
        mocks = await mockPulumi();
        writeFileSync(path.join(folder, "wake.sh"), "# wake functions\n");
    });
    afterEach(settled);

    function makeBuilder(...names: string[]): RemoteBuilder {
        return new RemoteBuilder("builder", {
            builder: "demo-dev",
            runners: names.map(
                (name) =>
                    new StubRunner(name, `linux/${name.replace(/_.*/, "")}` as Platform, [
                        path.join(folder, "wake.sh"),
                    ]),
            ),
            buildsPerRunner: 3,
        });
    }

    it("names a builder for people and CI, and one for each runner", () => {
        const builder = makeBuilder("amd64", "arm64");
        expect(builder.builder).toBe("demo-dev");
        expect(builder.platforms).toEqual(["linux/amd64", "linux/arm64"]);
        expect(builder.platforms.map((platform) => builder.placeOf(platform, "app"))).toMatchObject([
            { runner: "amd64", builder: "demo-dev-amd64" },
            { runner: "arm64", builder: "demo-dev-arm64" },
        ]);
    });

    it("knows who compiles for whose builds: the others that are in the cluster", () => {
        const stub = (name: string, inCluster: boolean) => {
            const runner = new StubRunner(name, "linux/arm64", [path.join(folder, "wake.sh")]);
            runner.inCluster = inCluster;
            return runner;
        };
        const runners = [stub("arm64", true), stub("arm64_2", true), stub("arm64_3", false)];
        const builder = new RemoteBuilder("builder", { builder: "demo-dev", runners });
        expect(builder.hasCompileCluster).toBe(true);
        expect(builder.helpersOf("arm64")).toEqual([{ runner: "arm64_2", builder: "demo-dev-arm64_2" }]);
        expect(makeBuilder("amd64", "arm64").hasCompileCluster).toBe(false);
    });

    it("registers itself as nothing but a component: no record of a builder is in the state", async () => {
        makeBuilder("arm64");
        await settled();
        expect(mocks.resources.map(({ type }) => type).sort()).toEqual([
            "native-buildx:index:RemoteBuilder",
            "test:index:StubRunner",
        ]);
    });

    it("describes its runners by name", async () => {
        expect(await resolved(makeBuilder("amd64", "arm64").runners)).toEqual({
            amd64: { kind: "local", platform: "linux/amd64", id: "amd64", idleMinutes: 15 },
            arm64: { kind: "local", platform: "linux/arm64", id: "arm64", idleMinutes: 15 },
        });
    });

    it("has the connect script, which is no secret, with each wake script once", async () => {
        const { connect } = makeBuilder("amd64", "arm64");
        expect(await pulumi.isSecret(connect)).toBe(false);
        const script = await resolved(connect);
        expect(script.split("# wake functions")).toHaveLength(2);
        expect(script).toContain("\nrunners='amd64 arm64'\n");
        expect(script).toContain("\nendpoint_arm64='tcp://arm64:1'\n");
    });

    it("gives images what they need of this machine and moment, and no login that is not secret", async () => {
        const builder = makeBuilder("arm64");
        const login = { address: "registry.example", username: "ci", password: "PASSWORD" };
        const more = { ...login, address: "bases.example" };
        const here = pulumi.output(builder.here(builder, [login, more, { ...login, username: "another" }]));
        expect(await resolved(here)).toEqual({
            connect: scriptKey,
            project: process.cwd(),
            buildsPerRunner: 3,
            logins: [login, more],
        });
        expect(await pulumi.isSecret(here)).toBe(true);
    });

    it("gives the provider what a runner wants run on this machine, once, and has it nowhere else", async () => {
        const runners = ["arm64", "arm64_2"].map((name) => {
            const runner = new StubRunner(name, "linux/arm64", []);
            runner.hereScript = "export AWS_PROFILE='staging'";
            return runner;
        });
        const builder = new RemoteBuilder("builder", { builder: "demo-dev", runners });
        await resolved(pulumi.output(builder.here(builder)));
        const connect = await resolved(builder.connect);
        expect(connect).not.toContain("staging");
        expect(mocks.scripts).toEqual([`export AWS_PROFILE='staging'\n${connect}`]);
    });

    it("gives the provider the script once, for all images", async () => {
        const builder = makeBuilder("arm64");
        for (const _image of ["base", "app"]) {
            await resolved(pulumi.output(builder.here(builder)));
        }
        expect(mocks.scripts).toEqual([await resolved(builder.connect)]);
        expect(mocks.providers).toEqual([""]);
    });

    it("gives it to each provider that builds images, where a program has some of its own", async () => {
        const builder = makeBuilder("arm64");
        const provider = new OwnProvider("native-buildx", "own");
        for (const name of ["first", "second"]) {
            const image = new pulumi.ComponentResource("test:index:Image", name, {}, { provider });
            await resolved(pulumi.output(builder.here(image)));
        }
        await resolved(pulumi.output(builder.here(builder)));
        expect(mocks.providers).toEqual(["own", ""]);
    });

    it("makes an image depend on its own platform's runner only", () => {
        const builder = makeBuilder("amd64", "arm64");
        const dependsOn = builder.placeOf("linux/arm64", "app").options.dependsOn as StubRunner[];
        expect(dependsOn.map((runner) => runner.platform)).toEqual(["linux/arm64"]);
    });

    it("makes an image depend on another runner's resources, where its own runner has none", () => {
        const [arm64, riscv64] = [
            new StubRunner("arm64", "linux/arm64", []),
            new StubRunner("riscv64", "linux/riscv64", []),
        ];
        riscv64.resource = arm64;
        const builder = new RemoteBuilder("builder", { builder: "demo-dev", runners: [arm64, riscv64] });
        expect(builder.placeOf("linux/riscv64", "app").options.dependsOn).toEqual([arm64]);
    });

    it("spreads the images of a platform with several runners, each always to the same", () => {
        const images = Array.from({ length: 9 }, (_, at) => `image-${at}`);
        const places = (...names: string[]) => {
            const builder = makeBuilder(...names);
            return images.map((image) => builder.placeOf("linux/arm64", image).runner);
        };
        const two = places("arm64", "arm64_2", "amd64");
        expect(places("amd64", "arm64_2", "arm64")).toEqual(two);
        for (const runner of ["arm64", "arm64_2"]) {
            expect(two.filter((name) => name === runner).length).toBeGreaterThanOrEqual(3);
        }
        // A third runner takes some, and the rest stay where their caches are.
        const moved = places("arm64", "arm64_2", "arm64_3").filter((name, at) => name !== two[at]);
        expect(moved.length).toBeLessThanOrEqual(5);
        expect(moved.filter((name) => name === "arm64_3").length).toBeGreaterThanOrEqual(2);
    });

    it("has no place for a platform without a runner, and says which there are", () => {
        const builder = makeBuilder("amd64");
        expect(() => builder.placeOf("linux/arm64", "app")).toThrow(
            "Builder demo-dev has no runner for platform linux/arm64: it has linux/amd64.",
        );
    });
});

describe("the connect script", () => {
    const inputs: ConnectScriptInputs = {
        builder: "demo-Dev",
        nodes: {
            amd64: {
                kind: "local",
                platform: "linux/amd64",
                serverName: "amd64.example",
                variables: { folder: "/f/amd64" },
                shared: { script: "one\ntwo\n" },
            },
            arm64: {
                kind: "ec2",
                platform: "linux/arm64",
                serverName: "arm64.example",
                variables: { instance: "i-0a" },
            },
        },
        wakeScripts: ["wake_local() { :; }", "wake_ec2() { :; }"],
    };

    it("has every variable in front, then the wake functions, then its parts as they are", () => {
        const script = renderConnectScript(inputs);
        const parts = ["clientKeys.sh", "register.sh", "prove.sh", "connect.sh"].map((part) =>
            readFileSync(path.join(__dirname, "connect", part), "utf8"),
        );
        expect(script.endsWith(`\nwake_local() { :; }\nwake_ec2() { :; }\n${parts.join("\n")}`)).toBe(true);
        // The functions for folders of this machine come first, then those of kinds, which use them.
        expect(script.slice(0, script.indexOf("# shellcheck")).split("\n").slice(0, -1)).toEqual([
            "#!/bin/sh",
            expect.stringMatching(/^# Connects to demo-Dev: /),
            "builder='demo-dev'",
            "runners='amd64 arm64'",
            "registry_kind=''",
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

    it("refuses a variable of two values: what needs the one would be started with the other", () => {
        const registry = { kind: "stub", script: "", variables: { script: "another" } };
        expect(() => renderConnectScript({ ...inputs, registry })).toThrow(
            "runners: amd64 needs another script in connect than the registry, or a runner before it",
        );
        const same = { kind: "stub", script: "", variables: { script: "one\ntwo\n" } };
        expect(renderConnectScript({ ...inputs, registry: same })).toContain("\nscript='one\ntwo'\n");
    });

    it("has the registry's variables and functions, and calls what prepares it", () => {
        const registry = { kind: "stub", script: "prepare_registry_stub() { :; }", variables: { stub_host: "h" } };
        const script = renderConnectScript({ ...inputs, registry });
        expect(script).toContain("\nregistry_kind='stub'\nstub_host='h'\n");
        expect(script).toContain("\nprepare_registry_stub() { :; }\nwake_local() { :; }\n");
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
