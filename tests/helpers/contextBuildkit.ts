import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdtempSync, rmSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { describeUnless } from "../e2e/project";

const tools = path.resolve(__dirname, "../../tools/bin");

function missing(): string | undefined {
    const tool = ["buildx", "buildkitd", "buildctl"].find((name) => !existsSync(path.join(tools, name)));
    if (tool) {
        return `tools/bin/${tool} is missing: run tools/setup.sh`;
    }
    return process.getuid?.() === 0 ? undefined : "not root";
}

/** `describe` for tests with a BuildKit of their own. */
export const describeWithBuildkit = describeUnless(missing());

/** A folder of a test, with a short path: unix sockets are limited to 107 characters. */
export function temporaryFolder(): string {
    return mkdtempSync("/tmp/nbx-context-");
}

export interface BuildInputs {
    /** Folder, as handed to buildx. */
    context: string;
    /** By name. */
    contexts?: { [name: string]: string };
    dockerfile: string;
    /** Folder for what was built. */
    output: string;
}

/** A buildkitd and a builder for it, of nobody else. */
export class Buildkit {
    private constructor(
        private readonly folder: string,
        private readonly daemon: ChildProcess,
    ) {}

    static async start(): Promise<Buildkit> {
        const folder = temporaryFolder();
        const socket = `unix://${folder}/s`;
        const configuration = path.join(folder, "buildkitd.toml");
        await fs.writeFile(
            configuration,
            `root = "${folder}/root"\n[grpc]\naddress = ["${socket}"]\n[otel]\nsocketPath = "${folder}/otel"\n` +
                "[worker.oci]\nenabled = true\n[worker.containerd]\nenabled = false\n",
        );
        const log = createWriteStream(path.join(folder, "log"));
        const daemon = spawn(path.join(tools, "buildkitd"), ["--config", configuration], {
            env: environment(folder),
            stdio: ["ignore", "ignore", "pipe"],
        });
        daemon.stderr?.pipe(log);
        const buildkit = new Buildkit(folder, daemon);
        for (let waited = 0; !buildkit.serves(socket); waited++) {
            if (daemon.exitCode !== null || waited > 300) {
                throw new Error(`buildkitd does not serve: ${await fs.readFile(path.join(folder, "log"), "utf8")}`);
            }
            await new Promise((resolve) => setTimeout(resolve, 100));
        }
        await buildkit.buildx(["create", "--name", "test", "--driver", "remote", socket]);
        return buildkit;
    }

    private serves(socket: string): boolean {
        try {
            execFileSync(path.join(tools, "buildctl"), ["--addr", socket, "debug", "workers"], { stdio: "ignore" });
            return true;
        } catch {
            return false;
        }
    }

    /** Builds, and says how many bytes of contexts were sent. Throws with buildx's own words. */
    async build({ context, contexts = {}, dockerfile, output }: BuildInputs): Promise<{ sent: number }> {
        const named = Object.entries(contexts).flatMap(([name, folder]) => ["--build-context", `${name}=${folder}`]);
        const progress = await this.buildx([
            ...["build", "--builder", "test", "--provenance=false", "--progress", "rawjson", "--file", dockerfile],
            ...[...named, "--output", `type=tar,dest=${output}.tar`, context],
        ]);
        // Not type=local: buildx cannot write a folder whose name is no text.
        await fs.mkdir(output, { recursive: true });
        execFileSync("tar", [
            "--extract",
            "--touch",
            "--preserve-permissions",
            "--file",
            `${output}.tar`,
            "--directory",
            output,
        ]);
        return { sent: bytesOfContexts(progress) };
    }

    private buildx(args: string[]): Promise<string> {
        return new Promise((resolve, reject) => {
            const options = { env: environment(this.folder), maxBuffer: 1 << 28 };
            execFile(path.join(tools, "buildx"), args, options, (error, _stdout, stderr) =>
                error ? reject(new Error(stderr.slice(-2000))) : resolve(stderr),
            );
        });
    }

    async stop(): Promise<void> {
        const ended = new Promise((resolve) => this.daemon.on("close", resolve));
        this.daemon.kill("SIGTERM");
        await ended;
        rmSync(this.folder, { recursive: true, force: true });
    }
}

function environment(folder: string): NodeJS.ProcessEnv {
    return { PATH: `${tools}:${process.env.PATH}`, HOME: folder, BUILDX_CONFIG: path.join(folder, "buildx") };
}

/** The last word of each transfer; those of Dockerfiles and ignore files are called otherwise or are a few bytes. */
function bytesOfContexts(progress: string): number {
    const sent = new Map<string, number>();
    for (const line of progress.split("\n").filter((text) => text.startsWith("{"))) {
        const { statuses = [] } = JSON.parse(line) as { statuses?: { id: string; vertex: string; current?: number }[] };
        for (const { id, vertex, current = 0 } of statuses) {
            if (id.startsWith("transferring ") && !id.startsWith("transferring dockerfile")) {
                sent.set(vertex + id, current);
            }
        }
    }
    return [...sent.values()].reduce((sum, bytes) => sum + bytes, 0);
}
