import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import * as path from "node:path";
import { kill } from "../../../tests/e2e/processes";
import { find } from "../../../tests/helpers/find";
import { shells, Workbench } from "../../../tests/helpers/workbench";
import type { ConnectNode } from "../../runner/runner";
import { renderConnectScript } from "./connectScript";
import { fakeBuildx, fakeCurl, kindScript, registryScript } from "./connectStandIns";

/** The programs that connect may use, besides docker or buildx. Nothing else is on its PATH here. */
export const programs = "awk cat cksum find grep ln mkdir mktemp mv rm rmdir sed sleep tail tr wc".split(" ");

export interface ConnectOptions {
    args?: string[];
    /** Of the shell. */
    flags?: string[];
    endpoints?: { amd64: string; arm64: string };
    /** The endpoints take no keys. @default false */
    isKeyless?: boolean;
    builder?: string;
    /** Names. @default one a platform */
    runners?: string[];
    env?: { [name: string]: string | undefined };
    /** What comes behind the script. */
    after?: string;
}

/** A node as buildx has it in a builder's record. */
interface RecordedNode {
    Name: string;
    Endpoint: string;
    Platforms: { architecture: string }[];
    DriverOpts: { [option: string]: string };
}

/** What `sh` is in the images that CI runs in. */
export const allShells: typeof shells = [...shells, ["bash as sh", ["bash", "--posix"]]];

/** connect with stand-ins for docker, buildx, the runners and, if asked for, curl. Platforms linux/amd64 and linux/arm64. */
export class ConnectBench extends Workbench {
    private readonly children: ChildProcess[] = [];
    private readonly ends: Promise<unknown>[] = [];

    constructor(private readonly shell: string[]) {
        super();
        for (const folder of ["programs", "home", "tmp"]) {
            mkdirSync(this.path(folder));
        }
        for (const program of programs) {
            symlinkSync(find(program) ?? program, this.path(`programs/${program}`));
        }
        this.stub("docker", `[ "$1" = buildx ] || exit 0\nshift\n${fakeBuildx}`);
    }

    stubBuildx(): void {
        this.stub("buildx", fakeBuildx.replaceAll("$bench/no-plugin", "$bench/never"));
    }

    stubCurl(): void {
        this.stub("curl", fakeCurl);
    }

    start(options: ConnectOptions = {}) {
        const { args = [], flags = [], env = {}, builder = "demo-dev", after = "" } = options;
        const { endpoints = { amd64: "tcp://a:1", arm64: "tcp://b:1" } } = options;
        const nodes = (options.runners ?? ["amd64", "arm64"]).map((runner): [string, ConnectNode] => {
            const [suffix, number = ""] = runner.split("_") as ["amd64" | "arm64", string?];
            return [
                runner,
                {
                    kind: "local",
                    platform: `linux/${suffix}`,
                    ...(options.isKeyless ? {} : { serverName: `${runner}.example` }),
                    variables: { endpoint: `${endpoints[suffix]}${number}` },
                },
            ];
        });
        const script = renderConnectScript({
            builder,
            nodes: Object.fromEntries(nodes),
            registry: { kind: "stub", script: registryScript, variables: {} },
            wakeScripts: [`bench='${this.folder}'`, kindScript("local")],
        });
        const child = spawn(find(this.shell[0] ?? "") ?? "", [...this.shell.slice(1), ...flags, "-s", "--", ...args], {
            cwd: this.path("home"),
            env: {
                PATH: `${this.path("bin")}:${this.path("programs")}`,
                HOME: this.path("home"),
                TMPDIR: this.path("tmp"),
                ...env,
            },
        });
        this.children.push(child);
        let [stdout, stderr] = ["", ""];
        child.stdout.on("data", (data) => {
            stdout += data;
        });
        child.stderr.on("data", (data) => {
            stderr += data;
        });
        child.stdin.on("error", () => undefined);
        child.stdin.end(`${script}\n${after}\nresult=$?\necho end of script\nexit $result\n`);
        const ended = (event: "close" | "exit") =>
            new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) => {
                child.on(event, (status) => resolve({ status, stdout, stderr }));
            });
        const closed = ended("close");
        this.ends.push(closed);
        return { child, closed, exited: ended("exit") };
    }

    connect(options?: ConnectOptions) {
        return this.start(options).closed;
    }

    lines(file: string): string[] {
        return this.read(file)
            .split("\n")
            .filter((line) => line !== "");
    }

    buildxCalls(command: string): string[] {
        return this.calls.filter((call) => call.startsWith(`docker buildx ${command}`));
    }

    /** Where the keys of the builder's nodes are. */
    keysFolder(...file: string[]): string {
        return this.path(path.join("home/.docker/buildx/native-buildx/demo-dev", ...file));
    }

    /** What a builder's record says of its nodes. */
    record(builder: string): RecordedNode[] {
        const text = this.read(`home/.docker/buildx/instances/${builder}`);
        return text ? JSON.parse(text).Nodes : [];
    }

    /** Endpoints of a builder's nodes. */
    nodesOf(builder: string): { [node: string]: string } {
        return Object.fromEntries(this.record(builder).map(({ Name, Endpoint }) => [Name, Endpoint]));
    }

    /** Architectures for which a builder has a node. */
    architecturesOf(builder: string): string[] {
        return this.record(builder)
            .flatMap(({ Platforms }) => Platforms.map(({ architecture }) => architecture))
            .sort();
    }

    async until(condition: () => boolean): Promise<void> {
        const end = Date.now() + 20_000;
        while (!condition()) {
            if (Date.now() > end) {
                throw new Error(`in vain: ${condition}`);
            }
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
    }

    /** Ends what still runs, and waits for it: it writes where `dispose` removes. */
    async end(): Promise<void> {
        for (const file of ["slow-amd64", "slow-arm64"]) {
            rmSync(this.path(file), { force: true });
        }
        for (const child of this.children.filter(
            ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
        )) {
            child.kill("SIGKILL");
        }
        if (existsSync(this.path("hanging"))) {
            kill(Number(this.read("hanging")));
        }
        await Promise.all(this.ends);
    }
}

/** For a `describe` in one shell: a new bench before each test, and `it`, which is skipped where there is no such shell. */
export function connectBenchForEach(shellName: string, shell: string[]): { it: jest.It; bench: () => ConnectBench } {
    const it = find(shell[0] ?? "") ? test : test.skip;
    if (it === test.skip) {
        test.skip(`needs ${shellName}, which is not installed`, () => undefined);
    }
    let bench: ConnectBench;
    beforeEach(() => {
        bench = new ConnectBench(shell);
    });
    afterEach(async () => {
        await bench.end();
        bench.dispose();
    });
    return { it, bench: () => bench };
}
