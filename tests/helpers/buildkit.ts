import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import type { BuildRequest } from "../../provider/buildx/buildRequest";
import { type BuildxOptions, withBuildx } from "../../provider/buildx/buildx";
import type { BuildConditions, BuildResult } from "../../provider/buildx/runBuild";
import { until } from "../e2e/processes";
import { tools } from "./checkout";
import { describeUnless, missingPrograms } from "./needs";
import { Registry } from "./registry";
import { type Arch, stepBinary } from "./stepImage";
import { temporaryFolder } from "./temporaryFolder";

/** `describe` for tests with a BuildKit of their own. */
export const describeWithBuildkit = describeUnless(missingPrograms("buildx", "buildkitd", "registry", "crane"));

/** BuildKit cuts the output of a step after 2 MiB, and what is faster than 200 kB a second; here all of it comes through. */
const unclipped = { BUILDKIT_STEP_LOG_MAX_SIZE: "-1", BUILDKIT_STEP_LOG_MAX_SPEED: "-1" };

/** A build into a folder: what buildx is handed. */
export interface FolderBuild {
    context: string;
    /** By name. */
    contexts?: { [name: string]: string };
    dockerfile: string;
    /** Folder for what was built. */
    output: string;
}

/** For the tests of one file, of code that has its environment from this process: one that serves meanwhile. */
export function buildkitOfProcess(): Buildkit {
    const buildkit = new Buildkit();
    const environment = process.env;
    beforeAll(async () => {
        await buildkit.start();
        process.env = { ...environment, ...buildkit.environment };
    });
    afterAll(() => {
        process.env = environment;
        return buildkit.end();
    });
    return buildkit;
}

/** A real buildkitd and a registry in a folder of their own, for the tests of one file; and a builder for them. */
export class Buildkit {
    readonly folder = temporaryFolder();
    readonly builder = "test";
    private daemon: ChildProcess | undefined;
    private readonly registries: Registry[] = [];

    /** `HOST:PORT` of the registry. */
    get registry(): string {
        return this.registries[0]?.address ?? "";
    }

    /** `HOST:PORT` of a registry that lets in `me` with password `secret` alone; see `startPrivateRegistry`. */
    get privateRegistry(): string {
        return this.registries[1]?.address ?? "";
    }

    /** What a user's shell has: a home of its own, the project's tools. */
    get environment(): NodeJS.ProcessEnv {
        return {
            PATH: `${tools}:${process.env.PATH}`,
            HOME: path.join(this.folder, "home"),
            // Not the caller's, which come before HOME.
            DOCKER_CONFIG: "",
            BUILDX_CONFIG: "",
            NATIVE_BUILDX_HOME: path.join(this.folder, "data"),
            SSL_CERT_FILE: process.env.SSL_CERT_FILE,
        };
    }

    async start(): Promise<void> {
        mkdirSync(path.join(this.folder, "home"));
        this.registries.push(await Registry.start(this.folder, "registry"));
        // Of registries on 127.0.0.1 it knows that they have no TLS.
        this.write("buildkitd.toml", [
            `root = "${this.folder}/root"`,
            `[grpc]\n  address = ["unix://${this.folder}/buildkitd.sock"]`,
            `[otel]\n  socketPath = "${this.folder}/otel.sock"`,
            '[worker.oci]\n  enabled = true\n  platforms = ["linux/amd64", "linux/arm64"]\n  networkMode = "host"',
            "[worker.containerd]\n  enabled = false",
        ]);
        const log = path.join(this.folder, "buildkitd.log");
        const output = openSync(log, "a");
        // What its builds started goes with it.
        const namespace = ["--pid", "--fork", "--kill-child", "--mount", "--mount-proc"];
        this.daemon = spawn("unshare", [...namespace, "buildkitd", "--config", "buildkitd.toml"], {
            cwd: this.folder,
            env: { ...this.environment, OTEL_TRACES_EXPORTER: "none", ...unclipped },
            stdio: ["ignore", output, output],
        });
        await until("buildkitd serves", () => readFileSync(log, "utf8").includes("running server on"));
        const endpoint = `unix://${this.folder}/buildkitd.sock`;
        await this.run("buildx", ["create", "--name", this.builder, "--driver", "remote", endpoint]);
    }

    async startPrivateRegistry(): Promise<void> {
        // bcrypt's; made by crypt(3).
        this.write("htpasswd", ["me:$2b$04$HnovRJOIZIgzAQz4XMDXpu8JGVfMeDPZEHvDBek5.RbW07yDzsd7q"]);
        const htpasswd = `auth: {htpasswd: {realm: test, path: ${this.folder}/htpasswd}}`;
        this.registries.push(await Registry.start(this.folder, "private", htpasswd));
    }

    /** Standard output of a command. */
    async run(command: string, words: string[]): Promise<string> {
        return (await this.outputsOf(command, words)).stdout;
    }

    private outputsOf(command: string, words: string[]): Promise<{ stdout: string; stderr: string }> {
        return new Promise((resolve, reject) => {
            const child = spawn(command, words, { cwd: this.folder, env: this.environment });
            let [stdout, stderr] = ["", ""];
            child.stdout.on("data", (text) => {
                stdout += text;
            });
            child.stderr.on("data", (text) => {
                stderr += text;
            });
            child.on("error", reject);
            child.on("close", (code) => (code === 0 ? resolve({ stdout, stderr }) : reject(new Error(stderr))));
        });
    }

    private write(file: string, lines: string[]): void {
        writeFileSync(path.join(this.folder, file), `${lines.join("\n")}\n`);
    }

    /** Builds into a folder, and says how many bytes of contexts were sent. Throws with buildx's own words. */
    async buildFolder({ context, contexts = {}, dockerfile, output }: FolderBuild): Promise<{ sent: number }> {
        const named = Object.entries(contexts).flatMap(([name, folder]) => ["--build-context", `${name}=${folder}`]);
        const { stderr } = await this.outputsOf("buildx", [
            ...["build", "--builder", this.builder, "--provenance=false", "--progress", "rawjson"],
            ...["--file", dockerfile, ...named, "--output", `type=tar,dest=${output}.tar`, context],
        ]);
        // Not type=local: buildx cannot write a folder whose name is no text.
        mkdirSync(output, { recursive: true });
        const options = ["--extract", "--touch", "--preserve-permissions"];
        execFileSync("tar", [...options, "--file", `${output}.tar`, "--directory", output]);
        return { sent: bytesOfContexts(stderr) };
    }

    /** A context with the step program and a Dockerfile that begins with nothing else. */
    context(name: string, dockerfile: string[], files: { [name: string]: string } = {}): string {
        const folder = path.join(this.folder, name);
        mkdirSync(folder, { recursive: true });
        for (const arch of ["amd64", "arm64"] satisfies Arch[]) {
            cpSync(stepBinary(arch), path.join(folder, `step-${arch}`));
        }
        for (const [file, text] of Object.entries({ Dockerfile: `${dockerfile.join("\n")}\n`, ...files })) {
            writeFileSync(path.join(folder, file), text);
        }
        return folder;
    }

    /** A build with the caller's environment changed. */
    build(
        request: Partial<BuildRequest> & { context: string },
        options: BuildConditions = {},
        caller: Partial<BuildxOptions> = {},
    ): Promise<BuildResult> {
        const environment = { ...this.environment, ...caller.environment };
        return withBuildx({ logins: [], ...caller, environment }, (buildx) =>
            buildx.build(
                { builder: this.builder, platform: "linux/amd64", tags: [`${this.registry}/app:latest`], ...request },
                { folder: this.folder, ...options },
            ),
        );
    }

    /** The configuration of an image in the registry. */
    async config(ref: string): Promise<{ architecture: string; config: { Labels?: { [name: string]: string } } }> {
        return JSON.parse(await this.run("crane", ["config", `${this.registry}/${ref}`]));
    }

    async end(): Promise<void> {
        const { daemon } = this;
        daemon?.kill("SIGKILL");
        await Promise.all(this.registries.map((registry) => registry.end()));
        await until("buildkitd ended", () => !daemon || daemon.exitCode !== null || daemon.signalCode !== null);
        // Its builds may end a little later.
        rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
    }
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
