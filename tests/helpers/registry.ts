import { type ChildProcess, spawn } from "node:child_process";
import { openSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { until } from "../e2e/processes";
import { checkout } from "./checkout";
import { freePorts } from "./freePorts";

/** Where a registry serves. */
export interface RegistryPlace {
    /** IP address of this machine. */
    host: string;
    /** Files of its certificate and key. @default no TLS */
    tls?: { certificate: string; key: string };
}

/** A real registry, on a port of its own, that writes its requests into a log. */
export class Registry {
    private constructor(
        private readonly host: string,
        readonly port: number,
        private readonly child: ChildProcess,
        private readonly log: string,
    ) {}

    /** `HOST:PORT`. */
    get address(): string {
        return `${this.host}:${this.port}`;
    }

    /**
     * Starts one on 127.0.0.1, without TLS.
     *
     * @param folder for its files
     * @param name of its files there
     * @param more lines of its configuration
     */
    static start(folder: string, name: string, ...more: string[]): Promise<Registry> {
        return Registry.startAt({ host: "127.0.0.1" }, folder, name, ...more);
    }

    /** Starts one elsewhere than `start`. */
    static async startAt(
        { host, tls }: RegistryPlace,
        folder: string,
        name: string,
        ...more: string[]
    ): Promise<Registry> {
        const [port] = (await freePorts(1)) as [number];
        const address = `${host}:${port}`;
        const [configuration, log] = [path.join(folder, `${name}.yml`), path.join(folder, `${name}.log`)];
        const storage = `storage: {filesystem: {rootdirectory: "${folder}/${name}"}}`;
        // YAML takes JSON.
        const lines = ["version: 0.1", storage, `http: ${JSON.stringify({ addr: address, tls })}`, ...more];
        writeFileSync(configuration, `${lines.join("\n")}\n`);
        const output = openSync(log, "a");
        const child = spawn(path.join(checkout, "tools/bin/registry"), ["serve", configuration], {
            env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: "none" },
            stdio: ["ignore", output, output],
        });
        const registry = new Registry(host, port, child, log);
        await until("the registry serves", () => registry.said().includes(`listening on ${address}`));
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
