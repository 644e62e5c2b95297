import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { killGroup, until } from "../e2e/processes";
import { freePorts } from "./freePorts";

/** A real git server with one repository: over git:// for everybody, over http:// for whoever has the token. */
export class GitServer {
    readonly token = "t0ken";
    /** The repository, on this machine. */
    readonly path: string;
    private daemon: ChildProcess | undefined;
    private http: Server | undefined;
    /** Requests over http. */
    requests = 0;
    /** Milliseconds before an answer over http. */
    delay = 0;
    address = "";
    privateAddress = "";

    constructor(private readonly folder: string) {
        this.path = path.join(folder, "repo.git");
    }

    async start(): Promise<void> {
        mkdirSync(this.path, { recursive: true });
        this.git("init", "--quiet", "--bare", "--initial-branch", "main");
        const [port] = await freePorts(1);
        this.address = `git://127.0.0.1:${port}/repo.git`;
        const options = ["--export-all", `--base-path=${this.folder}`, "--listen=127.0.0.1", "--reuseaddr"];
        this.daemon = spawn("git", ["daemon", ...options, `--port=${port}`], { stdio: "ignore", detached: true });
        this.http = createServer((request, response) => {
            setTimeout(() => this.answer(request, response), this.delay);
        });
        await new Promise<void>((resolve) => this.http?.listen(0, "127.0.0.1", resolve));
        this.privateAddress = `http://127.0.0.1:${(this.http.address() as AddressInfo).port}/repo.git`;
        this.commit("main", {});
        await until("git daemon serves", () => this.answers());
    }

    private answers(): boolean {
        try {
            execFileSync("git", ["ls-remote", this.address], { stdio: "ignore" });
            return true;
        } catch {
            return false;
        }
    }

    /** Standard output of git in the repository, without the caller's configuration. */
    git(...args: string[]): string {
        const configuration = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
        return execFileSync("git", ["-c", "user.name=n", "-c", "user.email=e", ...args], {
            cwd: this.path,
            encoding: "utf8",
            env: { ...process.env, ...configuration },
        }).trim();
    }

    /** A commit of these files on top of a branch. */
    commit(branch: string, files: { [name: string]: string }): string {
        const work = mkdtempSync(path.join(this.folder, "work-"));
        for (const [name, text] of Object.entries(files)) {
            mkdirSync(path.dirname(path.join(work, name)), { recursive: true });
            writeFileSync(path.join(work, name), text);
        }
        const tree = ["--work-tree", work];
        this.git(...tree, "symbolic-ref", "HEAD", `refs/heads/${branch}`);
        this.git(...tree, "add", "--all");
        this.git(...tree, "commit", "--quiet", "--allow-empty", "--message", "a commit");
        this.git("symbolic-ref", "HEAD", "refs/heads/main");
        rmSync(work, { recursive: true });
        return this.git("rev-parse", branch);
    }

    /** git's own server program, behind a login as servers want it of a token. */
    private answer(request: IncomingMessage, response: ServerResponse): void {
        this.requests += 1;
        if (request.rawHeaders.filter((name) => /^authorization$/i.test(name)).length > 1) {
            // As GitHub does.
            response.writeHead(400).end();
            return;
        }
        const login = Buffer.from(`x-access-token:${this.token}`).toString("base64");
        if (request.headers.authorization?.replace(/^basic /i, "") !== login) {
            response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
            return;
        }
        const url = new URL(request.url ?? "", "http://host");
        const backend = spawn("git", ["http-backend"], {
            env: {
                ...process.env,
                GIT_PROJECT_ROOT: this.folder,
                GIT_HTTP_EXPORT_ALL: "1",
                PATH_INFO: url.pathname,
                QUERY_STRING: url.search.slice(1),
                REQUEST_METHOD: request.method,
                CONTENT_TYPE: request.headers["content-type"],
                HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
                GIT_PROTOCOL: `${request.headers["git-protocol"] ?? ""}`,
            },
            stdio: ["pipe", "pipe", "ignore"],
        });
        request.pipe(backend.stdin);
        const output: Buffer[] = [];
        backend.stdout.on("data", (chunk: Buffer) => output.push(chunk));
        backend.on("close", () => {
            const all = Buffer.concat(output);
            const end = all.indexOf("\r\n\r\n");
            for (const line of all.subarray(0, end).toString().split("\r\n")) {
                const [name = "", value = ""] = line.split(": ");
                if (name === "Status") {
                    response.statusCode = Number.parseInt(value, 10);
                } else {
                    response.setHeader(name, value);
                }
            }
            response.end(all.subarray(end + 4));
        });
    }

    end(): void {
        this.http?.close();
        this.http?.closeAllConnections();
        killGroup(this.daemon);
    }
}
