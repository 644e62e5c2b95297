import { type ChildProcess, spawn } from "node:child_process";
import dns from "node:dns/promises";
import { once } from "node:events";
import fs from "node:fs";
import { createServer, type Server } from "node:net";
import * as path from "node:path";
import { architectures, knownPlatforms, type Platform } from "../../components/architecture";
import { temporaryFolder } from "./temporaryFolder";

export const foreign = knownPlatforms.find((platform) => architectures[platform].nodeArch !== process.arch) as Platform;
export const native = knownPlatforms.find((platform) => architectures[platform].nodeArch === process.arch) as Platform;

const binfmt = "/proc/sys/fs/binfmt_misc/";

/** Keeps a test off this machine: a data folder, emulators and names of the test's own, and servers that end with it. */
export class StandInMachine {
    readonly home = temporaryFolder();
    /** The emulators' registrations. */
    rules: { [registration: string]: string } = Object.fromEntries(
        knownPlatforms.map((platform) => [architectures[platform].binfmt, "enabled\ninterpreter /qemu\nflags: OCF\n"]),
    );
    readonly addresses: { [host: string]: string } = { "registry.example": "127.0.0.1" };

    private readonly environment = { ...process.env };
    private readonly servers: Server[] = [];
    private readonly daemons: ChildProcess[] = [];

    constructor() {
        process.env.NATIVE_BUILDX_HOME = this.home;
        const { existsSync, readFileSync } = fs;
        jest.spyOn(fs, "existsSync").mockImplementation((file) =>
            String(file).startsWith(binfmt) ? path.basename(String(file)) in this.rules : existsSync(file),
        );
        jest.spyOn(fs, "readFileSync").mockImplementation(((file: string, options: "utf8") =>
            String(file).startsWith(binfmt)
                ? (this.rules[path.basename(file)] ?? "")
                : readFileSync(file, options)) as typeof fs.readFileSync);
        jest.spyOn(dns, "lookup").mockImplementation((async (host: string) => {
            const address = this.addresses[host];
            if (!address) {
                throw new Error(`getaddrinfo ENOTFOUND ${host}`);
            }
            return { address, family: 4 };
        }) as typeof dns.lookup);
    }

    async end(): Promise<void> {
        await Promise.all(
            this.daemons.map((daemon) => {
                daemon.kill();
                return once(daemon, "close");
            }),
        );
        jest.restoreAllMocks();
        fs.rmSync(this.home, { recursive: true });
        process.env = { ...this.environment };
        await Promise.all(this.servers.map((server) => new Promise((resolve) => server.close(resolve))));
    }

    /** Some port that was free, and is used by a stranger now. */
    async listen(): Promise<number> {
        const server = createServer();
        this.servers.push(server);
        await new Promise<void>((resolve) => {
            server.listen({ host: "127.0.0.1", port: 0 }, resolve);
        });
        return (server.address() as { port: number }).port;
    }

    /** Some port that was free, and on which a daemon of a stack's listens now. @param folder below the data folder */
    async serve(folder: string): Promise<{ port: number; pid: number }> {
        const cwd = path.join(this.home, folder);
        fs.mkdirSync(cwd, { recursive: true });
        const program = `const server = require("node:net").createServer();
            server.listen(0, "127.0.0.1", () => console.log(server.address().port));`;
        const daemon = spawn(process.execPath, ["--eval", program], { cwd, stdio: ["ignore", "pipe", "inherit"] });
        this.daemons.push(daemon);
        const [said] = await once(daemon.stdout, "data");
        return { port: Number(said), pid: daemon.pid ?? 0 };
    }
}
