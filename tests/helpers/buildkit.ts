import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import * as path from "node:path";
import type { BuildRequest } from "../../provider/buildx/buildRequest";
import { type BuildxOptions, withBuildx } from "../../provider/buildx/buildx";
import type { BuildConditions, BuildResult } from "../../provider/buildx/runBuild";
import { until } from "../e2e/processes";
import { type Arch, checkout, stepBinary } from "../e2e/project";

const tools = path.join(checkout, "tools/bin");

/** BuildKit cuts the output of a step after 2 MiB, and what is faster than 200 kB a second; here all of it comes through. */
const unclipped = { BUILDKIT_STEP_LOG_MAX_SIZE: "-1", BUILDKIT_STEP_LOG_MAX_SPEED: "-1" };

/** A real buildkitd and a registry in a folder of their own, for the tests of one file; and a builder for them. */
export class Buildkit {
    readonly folder = mkdtempSync("/tmp/nbx-");
    readonly builder = "test";
    private readonly children: ChildProcess[] = [];
    private port = 0;
    private privatePort = 0;

    /** `HOST:PORT` of the registry. */
    get registry(): string {
        return `127.0.0.1:${this.port}`;
    }

    /** `HOST:PORT` of a registry that lets in `me` with password `secret` alone; see `startPrivateRegistry`. */
    get privateRegistry(): string {
        return `127.0.0.1:${this.privatePort}`;
    }

    /** What a user's shell has: a home of its own, the project's tools. */
    get environment(): NodeJS.ProcessEnv {
        return {
            PATH: `${tools}:${process.env.PATH}`,
            HOME: path.join(this.folder, "home"),
            NATIVE_BUILDX_HOME: path.join(this.folder, "data"),
            SSL_CERT_FILE: process.env.SSL_CERT_FILE,
        };
    }

    async start(): Promise<void> {
        this.port = await freePort();
        this.privatePort = await freePort();
        mkdirSync(path.join(this.folder, "home"));
        this.write("buildkitd.toml", [
            `root = "${this.folder}/root"`,
            `[grpc]\n  address = ["unix://${this.folder}/buildkitd.sock"]`,
            `[otel]\n  socketPath = "${this.folder}/otel.sock"`,
            '[worker.oci]\n  enabled = true\n  platforms = ["linux/amd64", "linux/arm64"]\n  networkMode = "host"',
            "[worker.containerd]\n  enabled = false",
            `[registry."${this.registry}"]\n  http = true`,
            `[registry."${this.privateRegistry}"]\n  http = true`,
        ]);
        this.startRegistry("registry", this.registry);
        // What its builds started goes with it.
        const namespace = ["--pid", "--fork", "--kill-child", "--mount", "--mount-proc"];
        this.spawn("unshare", [...namespace, "buildkitd", "--config", "buildkitd.toml"]);
        const log = path.join(this.folder, "log");
        await until("buildkitd serves", () => readFileSync(log, "utf8").includes("running server on"));
        await until("the registry serves", () => readFileSync(log, "utf8").includes(`listening on ${this.registry}`));
        await this.run("buildx", [
            "create",
            "--name",
            this.builder,
            "--driver",
            "remote",
            `unix://${this.folder}/buildkitd.sock`,
        ]);
    }

    async startPrivateRegistry(): Promise<void> {
        // bcrypt's; made by crypt(3).
        this.write("htpasswd", ["me:$2b$04$HnovRJOIZIgzAQz4XMDXpu8JGVfMeDPZEHvDBek5.RbW07yDzsd7q"]);
        const htpasswd = `auth: {htpasswd: {realm: test, path: ${this.folder}/htpasswd}}`;
        this.startRegistry("private", this.privateRegistry, htpasswd);
        const log = path.join(this.folder, "log");
        await until("it serves", () => readFileSync(log, "utf8").includes(`listening on ${this.privateRegistry}`));
    }

    private startRegistry(name: string, address: string, ...more: string[]): void {
        const storage = `storage: {filesystem: {rootdirectory: ${this.folder}/${name}}}`;
        this.write(`${name}.yml`, ["version: 0.1", storage, `http: {addr: "${address}"}`, ...more]);
        this.spawn("registry", ["serve", `${name}.yml`]);
    }

    private spawn(command: string, words: string[]): void {
        const log = openSync(path.join(this.folder, "log"), "a");
        const env = { ...this.environment, OTEL_TRACES_EXPORTER: "none", ...unclipped };
        this.children.push(spawn(command, words, { cwd: this.folder, env, stdio: ["ignore", log, log] }));
    }

    /** Standard output of a command. */
    run(command: string, words: string[]): Promise<string> {
        return new Promise((resolve, reject) => {
            const child = spawn(command, words, { cwd: this.folder, env: this.environment });
            let output = "";
            let said = "";
            child.stdout.on("data", (text) => {
                output += text;
            });
            child.stderr.on("data", (text) => {
                said += text;
            });
            child.on("error", reject);
            child.on("close", (code) => (code === 0 ? resolve(output) : reject(new Error(said))));
        });
    }

    private write(file: string, lines: string[]): void {
        writeFileSync(path.join(this.folder, file), `${lines.join("\n")}\n`);
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
        for (const child of this.children) {
            child.kill("SIGKILL");
        }
        await until("the daemons ended", () =>
            this.children.every(({ exitCode, signalCode }) => exitCode !== null || signalCode),
        );
        rmSync(this.folder, { recursive: true, force: true });
    }
}

async function freePort(): Promise<number> {
    return new Promise((resolve, reject) => {
        const server = createServer();
        server.once("error", reject);
        server.listen(0, "127.0.0.1", () => {
            const address = server.address();
            server.close(() => (address && typeof address === "object" ? resolve(address.port) : reject(address)));
        });
    });
}
