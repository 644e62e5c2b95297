import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { type AwsMocks, mockAws, resolved, settled } from "../../tests/helpers/awsMocks";
import { freePortsInRow } from "../../tests/helpers/freePorts";
import { StandInMachine } from "../../tests/helpers/standInMachine";
import { StubRegistry } from "../../tests/helpers/stubRegistry";
import { shells } from "../../tests/helpers/workbench";
import { daemonRow } from "../../tests/kind/row";
import type { Platform } from "../architecture";
import { sharedParts } from "../builder/connect/connectScript";
import { shellQuote } from "../shell";
import { address, type ContractBench, namesOf, platforms, stackName } from "./contractBench";
import { runnerKind, runnerKinds } from "./kinds";
import { localRunnerForEach } from "./local/localRunnerBench";
import type { Runner } from "./runner";
import { type RunnerValues, runnerSettings } from "./settings";

jest.setTimeout(120_000);

/** The kinds there are, and a kind of the tests alone: a folder and a row as well. */
const table = Object.assign(runnerKinds, { daemon: daemonRow });
type Kind = keyof typeof table;
const kinds = Object.keys(table) as Kind[];

const checkout = path.resolve(__dirname, "../..");

/** That of a kind's folder. */
function contractBench(kind: Kind): ContractBench {
    return require(kind === "daemon" ? "../../tests/kind/contractBench" : `./${kind}/contractBench`).contractBench;
}

describe.each(kinds)("runners %s", (kind) => {
    const row = runnerKind(kind);
    const particular = contractBench(kind);
    const defaults = Object.fromEntries(
        Object.entries({ ...runnerSettings, ...row.settings }).map(([name, setting]) => [name, v.getDefault(setting)]),
    );
    const values = (more: Partial<RunnerValues> = {}, port = 7443) =>
        ({ ...defaults, platforms, ...particular.necessary(port), ...more }) as RunnerValues;
    const environment = { ...process.env };
    const [home, dataFolder] = ["/somebodys-home", "/somebodys-data"];
    let mocks: AwsMocks;
    let registry: StubRegistry;
    beforeEach(async () => {
        Object.assign(process.env, { AWS_REGION: "eu-central-1", HOME: home, NATIVE_BUILDX_HOME: dataFolder });
        mocks = await mockAws();
        registry = new StubRegistry("registry.example/demo");
    });
    afterEach(async () => {
        await settled();
        process.env = { ...environment };
    });

    const create = (more: Partial<RunnerValues> = {}, name = stackName) =>
        row.load().create(name, values(more), { stackName: name, registry, tags: { stack: name } });
    const nodesOf = ({ runners }: { runners: readonly Runner[] }) =>
        Promise.all(runners.map(({ node }) => resolved(node)));

    it("say what they are, and what each of their settings means", () => {
        expect(row.meaning).toMatch(/^\w.*[^.]$/);
        for (const setting of Object.values(row.settings)) {
            expect(v.getDescription(setting)).toMatch(/ only\. \S.*\.$/);
            expect(v.getDefault(setting)).toBeDefined();
        }
    });

    it.each([
        [[], "platforms: must be a list of at least one of: linux/amd64"],
        [["linux/arm"], 'platforms: unknown platform "linux/arm"; use: linux/amd64'],
    ])("refuse platforms %j also where no configuration has", (wrong, message) => {
        expect(() => create({ platforms: wrong as Platform[] }, "another")).toThrow(message);
    });

    it("find nothing wrong with what is right", async () => {
        const machine = new StandInMachine();
        try {
            const right = values({}, await freePortsInRow(4));
            expect(await row.load().mistakes(right, stackName)).toEqual([]);
        } finally {
            await machine.end();
        }
    });

    it.each([1, 2])("are %s for each platform, by their names", async (runnersPerPlatform) => {
        const { runners } = create({ runnersPerPlatform });
        expect(runners.map(({ runnerName, platform }) => [runnerName, platform])).toEqual(namesOf(runnersPerPlatform));
        const [nodes, descriptions] = [
            await nodesOf({ runners }),
            await Promise.all(runners.map(({ description }) => resolved(description))),
        ];
        for (const what of [nodes, descriptions]) {
            expect(what.map(({ platform }) => platform)).toEqual(runners.map(({ platform }) => platform));
            expect(new Set(what.map((one) => one.kind))).toEqual(new Set([kind]));
        }
        // None is taken for another.
        const serverNames = nodes.flatMap(({ serverName }) => serverName ?? []);
        expect(serverNames).toHaveLength(new Set(serverNames).size);
        expect(new Set(nodes.map(({ variables }) => JSON.stringify(variables))).size).toBe(runners.length);
        expect(new Set(descriptions.map(({ id }) => id)).size).toBe(runners.length);
        for (const { idleMinutes, price } of descriptions) {
            expect(idleMinutes).toBe(particular.idleMinutes);
            expect(price?.hour ?? price?.unknown ?? "nothing").toBeTruthy();
        }
    });

    it("give connect variables whose names are a shell's, all runners the same, and what they share but once", async () => {
        const nodes = await nodesOf(create());
        const [first] = nodes;
        for (const { variables, shared = {} } of nodes) {
            expect(Object.keys(variables)).toEqual(Object.keys(first?.variables ?? {}));
            expect(shared).toEqual(first?.shared ?? {});
            const names = [...Object.keys(variables), ...Object.keys(shared)];
            expect(names.filter((name) => !/^[a-z_]+$/.test(name))).toEqual([]);
            expect(new Set(names).size).toBe(names.length);
        }
    });

    it("have no secret and nothing of this machine in what the stack keeps and shows", async () => {
        const { runners } = create();
        const shown = await Promise.all(
            runners.flatMap(({ node, description }) => [resolved<unknown>(node), resolved<unknown>(description)]),
        );
        const secrets = runners.flatMap(({ node, description }) => [
            pulumi.isSecret(node),
            pulumi.isSecret(description),
        ]);
        expect(new Set(await Promise.all(secrets))).toEqual(new Set([false]));
        await settled();
        const texts = JSON.stringify([mocks.resources, shown]);
        expect(texts).not.toMatch(/-----BEGIN [A-Z ]+-----\\n[A-Za-z0-9]/);
        expect([checkout, home, dataFolder].filter((own) => texts.includes(own))).toEqual([]);
    });

    it("can be there twice in a program", async () => {
        create({}, "one");
        create({}, "two");
        await settled();
        const names = mocks.resources.map(({ type, name }) => `${type} ${name}`);
        expect(names.length).toBeGreaterThan(2);
        expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
    });

    it("are components that a resource can depend on, and that go with their group", () => {
        const group = create();
        expect(group).toBeInstanceOf(pulumi.ComponentResource);
        expect(group.runners.filter((runner) => !(runner instanceof pulumi.ComponentResource))).toEqual([]);
    });

    describe.each(shells)("woken in %s", (_name, shell) => {
        // Before the bench ends.
        afterEach(async () => {
            // Where the kind's machines are processes.
            const script =
                'for f in data/*/*/runner.sh; do if [ -e "$f" ]; then (cd "$(dirname "$f")" && sh runner.sh stop); fi; done';
            await bench().run(["sh", "-c", `cd '${bench().folder}' && ${script}`]);
        });
        const { it, bench } = localRunnerForEach(shell);
        beforeEach(() => particular.rightMachine(bench()));

        /** Runs words of shell after the variables and functions that connect has of these runners. */
        async function run(words: string, more: Partial<RunnerValues> = {}) {
            const { runners } = create(more);
            const nodes = await nodesOf({ runners });
            const assignments = nodes.flatMap(({ variables, shared = {}, ...node }, at) => [
                ...Object.entries(shared).map(([name, value]) => `${name}=${shellQuote(value)}`),
                ...Object.entries({
                    ...variables,
                    platform: node.platform,
                    kind: node.kind,
                    server_name: node.serverName ?? "",
                }).map(([name, value]) => `${name}_${runners[at]?.runnerName}=${shellQuote(value.trimEnd())}`),
            ]);
            const scripts = [...sharedParts, ...new Set(runners.flatMap(({ wakeScripts }) => wakeScripts))];
            const texts = scripts.map((file) => readFileSync(file, "utf8"));
            const notes = `caller=test work='${bench().folder}' notes='${bench().path("notes")}'`;
            const main = bench().write("main.sh", [...assignments, notes, ...texts, words, ""].join("\n"));
            const { stdout, ...rest } = await bench().run([...shell, main], {
                env: {
                    // `sh` is the same shell.
                    PATH: `${bench().path("bin")}:${bench().path("programs")}:${process.env.PATH}`,
                    NATIVE_BUILDX_HOME: bench().path("data"),
                },
                seconds: 60,
            });
            return { stdout, ...rest };
        }
        const [wake, keys, done] = [`wake_${kind}`, `keys_${kind}`, `done_${kind}`];

        it("by their functions, and nothing happens when they are read", async () => {
            expect(await run(`for name in ${wake} ${keys} ${done}; do command -v $name; done`)).toEqual({
                status: 0,
                stdout: `${wake}\n${keys}\n${done}\n`,
                stderr: "",
            });
            expect(bench().calls).toEqual([]);
        });

        it("are left without a word, also where nothing was taken", async () => {
            expect(await run(`${done} arm64 && ${wake} arm64 >/dev/null && ${done} arm64`)).toMatchObject({
                status: 0,
                stdout: "",
            });
        });

        it("say the endpoint and nothing else, again and again, and each runner its own", async () => {
            const runners = namesOf(2).map(([runner]) => runner);
            const all = runners.map((runner) => `${wake} ${runner} || exit 1`).join("\n");
            const { status, stdout } = await run(`${all}\n${all}`, { runnersPerPlatform: 2 });
            expect(status).toBe(0);
            const lines = stdout.split("\n");
            expect(lines).toHaveLength(runners.length * 2 + 1);
            expect(lines.slice(runners.length, -1)).toEqual(lines.slice(0, runners.length));
            for (const line of lines.slice(0, -1)) {
                expect(line).toMatch(particular.endpoint);
            }
        });

        it("hand out the keys of the present start, where they have any: two certificates and a key", async () => {
            const nodes = await nodesOf(create());
            // Whom an address lets in, nothing else says.
            expect(nodes.every(({ serverName }) => Boolean(serverName) === (particular.endpoint === address))).toBe(
                true,
            );
            if (particular.endpoint !== address) {
                return;
            }
            const { status, stdout } = await run(`${wake} arm64 >/dev/null && ${keys} arm64`);
            expect(status).toBe(0);
            expect(stdout.match(/^-----BEGIN .*-----$/gm)).toEqual([
                "-----BEGIN CERTIFICATE-----",
                "-----BEGIN CERTIFICATE-----",
                expect.stringMatching(/^-----BEGIN [A-Z ]*KEY-----$/),
            ]);
            expect(stdout.replace(/^-----BEGIN ([A-Z ]+)-----\n([^-]+\n)-----END \1-----\n/gm, "").trim()).toBe("");
        });

        it("fail in words where they cannot be woken", async () => {
            particular.breakMachine(bench());
            const { status, stdout, stderr } = await run(`${wake} arm64`);
            expect(status).not.toBe(0);
            expect(stdout).toBe("");
            expect(stderr).toMatch(/^(linux\/)?arm64 runner\b.*\w/);
        });
    });
});

describe("the table of kinds of runners", () => {
    it("has no setting twice, but the same", () => {
        const entries = kinds.flatMap((kind) => Object.entries(runnerKind(kind).settings));
        const general = Object.keys(runnerSettings);
        for (const [name, setting] of entries) {
            expect(general).not.toContain(name);
            expect(entries.filter(([other, schema]) => other === name && schema !== setting)).toEqual([]);
        }
    });

    it("loads no package of AWS but for EC2, and none of Kubernetes but for that", () => {
        const loads = (folders: string, ...loaded: string[]) => {
            const program = [
                'const { runnerKinds } = require("./components/runner/kinds");',
                'Object.assign(runnerKinds, { daemon: require("./tests/kind/row").daemonRow });',
                ...loaded.map((kind) => `runnerKinds.${kind}.load();`),
                `console.log(Object.keys(require.cache).some((file) => ${folders}.test(file)));`,
            ];
            return execFileSync(process.execPath, ["--require=tsx/cjs", "--eval", program.join("\n")], {
                cwd: checkout,
                encoding: "utf8",
            }).trim();
        };
        const [aws, kubernetes] = ["/@pulumi.aws.|@aws-sdk/", "/@pulumi.kubernetes./"];
        expect(loads(aws, ...kinds.filter((kind) => kind !== "ec2"))).toBe("false");
        expect(loads(aws, "ec2")).toBe("true");
        expect(loads(kubernetes, ...kinds.filter((kind) => kind !== "kubernetes"))).toBe("false");
        expect(loads(kubernetes, "kubernetes")).toBe("true");
    });
});
