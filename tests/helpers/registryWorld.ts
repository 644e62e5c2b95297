import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { until } from "../e2e/processes";
import { checkout } from "./checkout";
import { temporaryFolder } from "./temporaryFolder";
import type { TokenRequest, TokenServiceOptions } from "./tokenService";

/** Registries of a world, each at the port that the whole world uses. The host names of Docker Hub and GHCR are their own. */
const addresses: { [host: string]: string } = {
    "registry-1.docker.io": "127.0.0.2",
    "index.docker.io": "127.0.0.2",
    "auth.docker.io": "127.0.0.3",
    "harbor.example": "127.0.0.4",
    "registry.gitlab.example": "127.0.0.5",
    "ghcr.io": "127.0.0.6",
};

/** Of `ci`, who may push, and of `reader`, who may not. */
export const tokens = { ci: "example-token-5f1c9e", reader: "example-token-of-reader" };

/** ci's, by bcrypt; made by crypt(3). */
const htpasswd = "ci:$2b$04$HnovRJOIZIgzAQz4XMDXpubSyYvDelSbcsaQcKLGNq/EtZFXbNWKq";

/**
 * Real registries that want a login, in a network of their own where they have the names of public ones: Docker Hub
 * (token service, OAuth), a GitLab and GHCR (token service, older) and a Harbor (basic authentication). Nothing leaves the machine.
 */
export class RegistryWorld {
    readonly folder = temporaryFolder();
    private readonly children: ChildProcess[] = [];
    private holder = 0;

    /** Certificate of the authority of all of them. */
    get authority(): string {
        return path.join(this.folder, "authority/ca.pem");
    }

    async start(): Promise<void> {
        this.makeKeys();
        const hosts = Object.entries(addresses).map(([host, address]) => `${address} ${host}`);
        this.write("hosts", ["127.0.0.1 localhost", ...hosts]);
        const script = `ip link set lo up && mount --bind hosts /etc/hosts && exec sleep 100000`;
        const held = spawn("unshare", ["--net", "--mount", "sh", "-c", script], { cwd: this.folder, stdio: "ignore" });
        this.children.push(held);
        this.holder = held.pid ?? 0;
        const isReady = () => readFileSync(`/proc/${this.holder}/cmdline`, "utf8").startsWith("sleep");
        await until("the world's network is there", isReady);
        await this.startTokenService();
        await this.startRegistry("registry-1.docker.io", this.tokenAuth("/oauth", "registry.docker.io"));
        await this.startRegistry("registry.gitlab.example", this.tokenAuth("/jwt/auth", "container_registry"));
        await this.startRegistry("ghcr.io", this.tokenAuth("/token", "ghcr.io"));
        this.write("htpasswd", [htpasswd]);
        await this.startRegistry("harbor.example", { htpasswd: { realm: "harbor", path: `${this.folder}/htpasswd` } });
    }

    /** A command and its arguments, in this world. */
    command(folder: string, command: string, words: string[]): [string, string[]] {
        // The folder by its name there: the one that is open here belongs to another mount namespace.
        const inFolder = ["sh", "-c", 'cd "$0" && exec "$@"', folder];
        return ["nsenter", ["--net", "--mount", "--target", `${this.holder}`, ...inFolder, command, ...words]];
    }

    /** What the token service was asked until now. */
    get tokenRequests(): TokenRequest[] {
        const file = path.join(this.folder, "tokens.log");
        const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
        return lines.filter(Boolean).map((line) => JSON.parse(line) as TokenRequest);
    }

    private makeKeys(): void {
        const script = [
            `. ${path.join(checkout, "components/runner/keys.sh")}`,
            `make_server_keys tls authority ${Object.keys(addresses).join(" ")}`,
            "mkdir signing",
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=tokens" +
                " -keyout signing/key.pem -out signing/cert.pem 2>&1",
        ];
        execFileSync("sh", ["-eu", "-c", script.join("\n")], { cwd: this.folder });
    }

    private async startTokenService(): Promise<void> {
        const options: TokenServiceOptions = {
            address: addresses["auth.docker.io"] ?? "",
            tls: { key: "tls/key.pem", cert: "tls/cert.pem" },
            signing: { key: "signing/key.pem", cert: "signing/cert.pem" },
            issuer: "tests",
            users: {
                ci: { password: tokens.ci, repositories: "acme/", actions: ["pull", "push"] },
                reader: { password: tokens.reader, repositories: "acme/", actions: ["pull"] },
            },
            log: "tokens.log",
        };
        this.write("tokens.json", [JSON.stringify(options)]);
        const tsx = `--require=${require.resolve("tsx/cjs")}`;
        await this.spawn("serving", process.execPath, [tsx, path.join(__dirname, "tokenService.ts"), "tokens.json"]);
    }

    private tokenAuth(realm: string, service: string): object {
        const rootcertbundle = `${this.folder}/signing/cert.pem`;
        return { token: { realm: `https://auth.docker.io${realm}`, service, issuer: "tests", rootcertbundle } };
    }

    private async startRegistry(host: string, auth: object): Promise<void> {
        const configuration = {
            version: 0.1,
            log: { level: "info" },
            storage: { filesystem: { rootdirectory: `${this.folder}/${host}` } },
            http: {
                addr: `${addresses[host]}:443`,
                tls: { certificate: `${this.folder}/tls/cert.pem`, key: `${this.folder}/tls/key.pem` },
            },
            auth,
        };
        // YAML takes JSON.
        this.write(`${host}.yml`, [JSON.stringify(configuration)]);
        await this.spawn(`listening on ${addresses[host]}`, "registry", ["serve", `${host}.yml`]);
    }

    /** @param ready what it says when it serves */
    private async spawn(ready: string, command: string, words: string[]): Promise<void> {
        const file = path.join(this.folder, `${this.children.length}.log`);
        const log = openSync(file, "w");
        const env = {
            ...process.env,
            PATH: `${checkout}/tools/bin:${process.env.PATH}`,
            OTEL_TRACES_EXPORTER: "none",
        };
        const [program, all] = this.command(this.folder, command, words);
        this.children.push(spawn(program, all, { env, stdio: ["ignore", log, log] }));
        await until(`${words.at(-1)} serves`, () => readFileSync(file, "utf8").includes(ready));
    }

    /** A docker configuration with a login, as `docker login` leaves it. Returns its folder. */
    dockerLogin(folder: string, registry: string, user: keyof typeof tokens): string {
        mkdirSync(folder, { recursive: true });
        const auth = Buffer.from(`${user}:${tokens[user]}`).toString("base64");
        writeFileSync(path.join(folder, "config.json"), JSON.stringify({ auths: { [registry]: { auth } } }));
        return folder;
    }

    private write(file: string, lines: string[]): void {
        writeFileSync(path.join(this.folder, file), `${lines.join("\n")}\n`);
    }

    async end(): Promise<void> {
        for (const child of this.children) {
            child.kill("SIGKILL");
        }
        const hasEnded = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null;
        await until("the world ended", () => this.children.every(hasEnded));
        rmSync(this.folder, { recursive: true, force: true });
    }
}
