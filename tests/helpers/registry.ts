import { type ChildProcess, spawn } from "node:child_process";
import { openSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { until } from "../e2e/processes";
import { checkout } from "./checkout";
import { freePorts } from "./freePorts";

/** A real registry without TLS, on a port of its own, that writes its requests into a log. */
export class Registry {
    private constructor(
        readonly port: number,
        private readonly child: ChildProcess,
        private readonly log: string,
    ) {}

    /** `HOST:PORT`. */
    get address(): string {
        return `127.0.0.1:${this.port}`;
    }

    /**
     * @param folder for its files
     * @param name of its files there
     * @param more lines of its configuration
     */
    static async start(folder: string, name: string, ...more: string[]): Promise<Registry> {
        const [port] = (await freePorts(1)) as [number];
        const [configuration, log] = [path.join(folder, `${name}.yml`), path.join(folder, `${name}.log`)];
        const storage = `storage: {filesystem: {rootdirectory: "${folder}/${name}"}}`;
        const lines = ["version: 0.1", storage, `http: {addr: "127.0.0.1:${port}"}`, ...more];
        writeFileSync(configuration, `${lines.join("\n")}\n`);
        const output = openSync(log, "a");
        const child = spawn(path.join(checkout, "tools/bin/registry"), ["serve", configuration], {
            env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: "none" },
            stdio: ["ignore", output, output],
        });
        const registry = new Registry(port, child, log);
        await until("the registry serves", () => registry.said().includes(`listening on ${registry.address}`));
        return registry;
    }

    /** Its log so far. */
    said(): string {
        return readFileSync(this.log, "utf8");
    }

    async end(): Promise<void> {
        this.child.kill("SIGKILL");
        await until("the registry ended", () => this.child.exitCode !== null || this.child.signalCode !== null);
    }
}
