import { type ChildProcess, spawn } from "node:child_process";
import * as path from "node:path";

export interface CommandOptions {
    /** Standard input. @default nothing */
    input?: string;
    cwd: string;
    environment: NodeJS.ProcessEnv;
}

/** Lines of a failed command that its error shows. */
const shownLines = 15;

/** Programs that run, all of which can be told to end. */
export class Commands {
    private readonly children = new Set<ChildProcess>();
    private interrupted = false;

    /** Runs a program in a process group of its own. Resolves to its standard output; rejects with what it said last. */
    run(command: string, args: string[], { input = "", cwd, environment }: CommandOptions): Promise<string> {
        if (this.interrupted) {
            return Promise.reject(new Error("interrupted"));
        }
        return new Promise((resolve, reject) => {
            const child = spawn(command, args, {
                cwd,
                env: environment,
                detached: true,
                stdio: ["pipe", "pipe", "pipe"],
            });
            this.children.add(child);
            let output = "";
            let said = "";
            child.stdout.setEncoding("utf8").on("data", (text: string) => {
                output += text;
            });
            child.stderr.setEncoding("utf8").on("data", (text: string) => {
                said += text;
            });
            child.on("error", (error) => {
                this.children.delete(child);
                reject(error);
            });
            // Not "close": runners and registry, which go on, may hold the pipes.
            child.on("exit", (code, signal) => {
                this.children.delete(child);
                setImmediate(() => {
                    if (code === 0) {
                        resolve(output);
                        return;
                    }
                    const end = `${output}\n${said}`.trim().split("\n").slice(-shownLines).join("\n");
                    const what = [path.basename(command), ...args].join(" ");
                    const failure = `${what}: ${signal ?? `status ${code}`}\n${end}`;
                    reject(new Error(this.interrupted ? "interrupted" : failure));
                });
            });
            child.stdin.on("error", () => undefined);
            child.stdin.end(input);
        });
    }

    /** Ends what runs, and refuses what comes. */
    interrupt(): void {
        this.interrupted = true;
        for (const child of this.children) {
            signalGroup(child, "SIGINT");
            setTimeout(() => signalGroup(child, "SIGKILL"), 15_000).unref();
        }
    }

    /** When nothing runs any more. What comes then is not refused. */
    async ended(): Promise<void> {
        while (this.children.size > 0) {
            await new Promise((resolve) => setTimeout(resolve, 100));
        }
        this.interrupted = false;
    }
}

/** Sends a signal to a child and its process group, if it still runs. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
        return;
    }
    try {
        process.kill(-child.pid, signal);
    } catch {
        // It just ended.
    }
}
