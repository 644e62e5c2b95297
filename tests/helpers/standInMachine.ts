import dns from "node:dns/promises";
import fs from "node:fs";
import { createServer, type Server } from "node:net";
import * as path from "node:path";
import { architectures, knownPlatforms, type Platform } from "../../components/architecture";
import { runnerName } from "../../components/runner/runnerNames";
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

    /** As if a stack's own processes ran. */
    run(stackFolder: string): void {
        for (const part of ["registry", ...knownPlatforms.map((platform) => runnerName(platform))]) {
            fs.mkdirSync(path.join(this.home, stackFolder, part), { recursive: true });
            fs.writeFileSync(path.join(this.home, stackFolder, part, "pid"), `${process.pid}\n`);
        }
    }
}
