import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
    chmodSync,
    cpSync,
    existsSync,
    mkdirSync,
    openSync,
    readFileSync,
    readlinkSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { cpus } from "node:os";
import * as path from "node:path";
import { until } from "../e2e/processes";
import { checkout, toolchains, tools } from "./checkout";
import { temporaryFolder } from "./temporaryFolder";

const runnerFolder = path.join(checkout, "components/runner");

/** What a node of a compile cluster is made of. */
export const clusterKit = path.join(toolchains, "compile-cluster");

/** The same, of a node that is an ARM machine. */
export const armKit = path.join(toolchains, "aarch64-node/compile-cluster");

/** Why no compile cluster can be made here. */
export function missingCluster(): string | undefined {
    if (process.arch !== "x64") {
        return "the compile cluster's environments are made for x86 here";
    }
    if (process.getuid?.() !== 0 || !existsSync(path.join(tools, "buildkitd"))) {
        return "not root, or no tools/bin/buildkitd";
    }
    return existsSync(path.join(clusterKit, "recipe"))
        ? undefined
        : "no environments of the compile cluster: run tools/setup.sh --check as root";
}

/** What a build said, and the seconds of its steps by their names. */
export interface ClusterBuild {
    said: string;
    seconds: { [step: string]: number };
}

/**
 * A runner of a compile cluster: BuildKit, and the node beside it, in network and process namespaces of their own and held to
 * one core. Its network is a link to one other node's, and nothing else.
 */
export class ClusterNode {
    readonly folder: string;
    /** What it is made of. @default the cluster's copy */
    kit = "../kit";
    /** At once. */
    jobs = 1;
    private process: ChildProcess | undefined;

    /**
     * @param folder of all nodes
     * @param at 0 for the first
     */
    constructor(
        folder: string,
        readonly at: number,
    ) {
        this.folder = path.join(folder, `node${at + 1}`);
        mkdirSync(path.join(this.folder, "cluster"), { recursive: true });
        for (const [from, to] of [
            ["stepRuntime.sh", "step-runtime.sh"],
            ["stepMounts.sh", "step-mounts.sh"],
            ["emulation/emulation.sh", "emulation.sh"],
        ] as const) {
            cpSync(path.join(runnerFolder, from), path.join(this.folder, to));
        }
        chmodSync(path.join(this.folder, "step-runtime.sh"), 0o755);
        const config = [
            `root = "${this.folder}/root"`,
            `[grpc]\n  address = ["unix://${this.folder}/buildkitd.sock"]`,
            `[otel]\n  socketPath = "${this.folder}/otel.sock"`,
            '[worker.oci]\n  enabled = true\n  platforms = ["linux/amd64", "linux/arm64"]\n  networkMode = "host"',
            `  binary = "${this.folder}/step-runtime.sh"`,
            "[worker.containerd]\n  enabled = false",
        ];
        writeFileSync(path.join(this.folder, "buildkitd.toml"), `${config.join("\n")}\n`);
        // To icecream every node is a machine, and the load of this one that of all nodes.
        writeFileSync(path.join(this.folder, "stat"), "cpu  0 0 0 100 0 0 0 0 0 0\n");
    }

    get address(): string {
        return `10.199.7.${this.at + 1}`;
    }

    private get pid(): number {
        return this.process?.pid ?? 0;
    }

    private get environment(): NodeJS.ProcessEnv {
        return {
            PATH: `${tools}:${process.env.PATH}`,
            HOME: this.folder,
            OTEL_TRACES_EXPORTER: "none",
            BUILDKIT_STEP_LOG_MAX_SIZE: "-1",
            BUILDKIT_STEP_LOG_MAX_SPEED: "-1",
            CLUSTER_FOLDER: path.join(this.folder, "cluster"),
            CLUSTER_KIT: path.resolve(this.folder, this.kit),
            CLUSTER_ADDRESS: this.address,
            CLUSTER_MEMBERS: path.join(this.folder, "../members"),
            CLUSTER_NAME: "test",
            CLUSTER_JOBS: String(this.jobs),
            CLUSTER_MOUNTS: path.join(this.folder, "cluster.json"),
            CLUSTER_VERBOSE: "-vvv",
        };
    }

    /** Resolves when it serves. @param network a process in its network namespace */
    async start(network: number): Promise<void> {
        const script = `mount --bind stat /proc/stat
            buildkitd --config buildkitd.toml >>buildkitd.log 2>&1 &
            exec sh "$0"`;
        rmSync(path.join(this.folder, "buildkitd.log"), { force: true });
        const log = openSync(path.join(this.folder, "log"), "a");
        const core = String(this.at % cpus().length);
        const words = [
            ...["--net", "--target", String(network), "unshare"],
            ...["--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "taskset", "--cpu-list", core],
            ...["sh", "-c", script, path.join(runnerFolder, "cluster/cluster.sh")],
        ];
        this.process = spawn("nsenter", words, {
            cwd: this.folder,
            env: this.environment,
            stdio: ["ignore", log, log],
        });
        await until("the node serves", () => {
            return (
                existsSync(path.join(this.folder, "cluster.json")) &&
                this.read("buildkitd.log").includes("running server on")
            );
        });
    }

    read(file: string): string {
        const found = path.join(this.folder, file);
        return existsSync(found) ? readFileSync(found, "utf8") : "";
    }

    /** Clock ticks that it has compiled for others. */
    helped(): number {
        const inside = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, "utf8").trim();
        const words = ["--pid", "--mount", "--target", inside, "sh"];
        return Number(
            execFileSync("nsenter", [...words, path.join(runnerFolder, "cluster/cluster.sh"), "helped"], {
                env: this.environment,
                encoding: "utf8",
            }),
        );
    }

    /** Compilers of arm64 run natively in its steps, by the kernel's registrations, which `leaveToolchains` ends. */
    useToolchains(): void {
        this.emulation("use_toolchains");
    }

    leaveToolchains(): void {
        this.emulation("leave_toolchains");
    }

    private emulation(action: string): void {
        const script = `say() { :; }; emulates=aarch64 toolchains=$0 registrant=cluster${process.pid}; . ./emulation.sh; ${action}`;
        execFileSync("sh", ["-euc", script, toolchains], { cwd: this.folder });
    }

    /**
     * Builds a context into a folder.
     *
     * @param args of the build, by name
     * @param target a stage. @default the last
     */
    build(context: string, output: string, args: { [name: string]: string }, platform: string, target?: string) {
        const words = [
            ...["--addr", `unix://${this.folder}/buildkitd.sock`, "build", "--progress", "rawjson"],
            ...["--frontend", "dockerfile.v0", "--local", `context=${context}`, "--local", `dockerfile=${context}`],
            ...Object.entries(args).flatMap(([name, value]) => ["--opt", `build-arg:${name}=${value}`]),
            ...["--opt", `platform=${platform}`, ...(target ? ["--opt", `target=${target}`] : [])],
            ...["--output", `type=local,dest=${output}`],
        ];
        return new Promise<ClusterBuild>((resolve, reject) => {
            const child = spawn("buildctl", words, { env: this.environment });
            let progress = "";
            for (const stream of [child.stdout, child.stderr]) {
                stream.setEncoding("utf8").on("data", (text: string) => {
                    progress += text;
                });
            }
            child.on("error", reject);
            child.on("close", (code) => {
                const build = readProgress(progress);
                if (code === 0) {
                    resolve(build);
                } else {
                    reject(new Error(`${build.said}\n${progress.slice(-2000)}`));
                }
            });
        });
    }

    /** As if its machine lost its power. */
    async kill(): Promise<void> {
        const child = this.process;
        child?.kill("SIGKILL");
        await until("the node ended", () => !child || child.exitCode !== null || child.signalCode !== null);
        rmSync(path.join(this.folder, "cluster.json"), { force: true });
    }
}

/** Two runners, linked. `end` leaves nothing behind. */
export class Cluster {
    readonly folder = temporaryFolder();
    readonly first = new ClusterNode(this.folder, 0);
    readonly second = new ClusterNode(this.folder, 1);
    readonly nodes = [this.first, this.second] as const;
    /** A copy of what both are made of. */
    readonly kit = path.join(this.folder, "kit");
    /** One in each node's network namespace, which outlives the node; then others that were started there. */
    private networks: ChildProcess[] = [];

    async start(): Promise<void> {
        cpSync(clusterKit, this.kit, { recursive: true });
        this.list(this.nodes);
        this.networks = this.nodes.map(() => spawn("unshare", ["--net", "sleep", "infinity"], { stdio: "ignore" }));
        const pids = this.networks.map(({ pid = 0 }) => pid);
        await until("nodes have networks", () => pids.every(hasOwnNetwork));
        const [one, other] = pids.map((pid) => ["nbx", "netns", String(pid)]);
        execFileSync("ip", ["link", "add", ...(one ?? []), "type", "veth", "peer", "name", ...(other ?? [])]);
        for (const [at, { address }] of this.nodes.entries()) {
            const script = 'ip link set lo up; ip address add "$0/24" dev nbx; ip link set nbx up';
            execFileSync("nsenter", ["--net", "--target", String(pids[at]), "sh", "-euc", script, address]);
        }
        await Promise.all(this.nodes.map((node) => this.startNode(node)));
    }

    startNode(node: ClusterNode): Promise<void> {
        return node.start(this.networks[node.at]?.pid ?? 0);
    }

    /** A program in a node's network, which outlives the node. `end` ends it. */
    spawnIn(node: ClusterNode, ...words: string[]): ChildProcess {
        const into = ["--net", "--target", String(this.networks[node.at]?.pid ?? 0)];
        const child = spawn("nsenter", [...into, ...words], { stdio: ["ignore", "pipe", "inherit"] });
        this.networks.push(child);
        return child;
    }

    /** The members, in this order. */
    list(members: readonly ClusterNode[]): void {
        const lines = members.map(({ at, address }) => `node${at + 1} ${address}\n`);
        writeFileSync(path.join(this.folder, "members"), lines.join(""));
    }

    /** When every daemon has the scheduler. @param from of its log, so many characters before */
    async joined(scheduler = this.first, from = 0): Promise<void> {
        await until("all nodes are in the cluster", () => {
            const log = scheduler.read("cluster/scheduler.log").slice(from);
            return this.nodes.every(({ address }) => log.includes(`login ${address} `));
        });
    }

    async end(): Promise<void> {
        await Promise.all(this.nodes.map((node) => node.kill()));
        for (const network of this.networks) {
            network.kill("SIGKILL");
        }
        rmSync(this.folder, { recursive: true, force: true });
    }
}

function hasOwnNetwork(pid: number): boolean {
    return pid > 0 && readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net");
}

function readProgress(text: string): ClusterBuild {
    const build: ClusterBuild = { said: "", seconds: {} };
    for (const line of text.split("\n").filter((line) => line.startsWith("{"))) {
        const { vertexes = [], logs = [] } = JSON.parse(line) as {
            vertexes?: { name: string; started?: string; completed?: string; error?: string }[];
            logs?: { data: string }[];
        };
        for (const { name, started, completed, error } of vertexes) {
            if (started && completed) {
                build.seconds[name] = (Date.parse(completed) - Date.parse(started)) / 1000;
            }
            build.said += error ? `${name}: ${error}\n` : "";
        }
        build.said += logs.map(({ data }) => Buffer.from(data, "base64").toString()).join("");
    }
    return build;
}
