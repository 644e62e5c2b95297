import { type ChildProcess, spawn } from "node:child_process";
import type { UnprivilegedUser } from "./unprivilegedUser";

export interface Result {
    code: number | null;
    output: string;
}

/** A running command, with what it said so far. */
export interface Running {
    child: ChildProcess;
    said(): string;
    done: Promise<Result>;
}

/** Commands in a folder and an environment, as somebody at a terminal there runs them. */
export abstract class Commands {
    abstract readonly folder: string;
    abstract readonly environment: NodeJS.ProcessEnv;
    /** Who runs them, if not root. */
    abstract readonly user: UnprivilegedUser | undefined;

    /** Starts a command in a process group of its own, as a terminal would. */
    start(command: string, args: string[], options: { input?: string; env?: NodeJS.ProcessEnv } = {}): Running {
        const [file, words] = this.user?.command(command, args) ?? [command, args];
        const child = spawn(file, words, {
            cwd: this.folder,
            env: { ...this.environment, ...options.env },
            detached: true,
            stdio: ["pipe", "pipe", "pipe"],
        });
        let output = "";
        child.stdout.setEncoding("utf8").on("data", (text: string) => {
            output += text;
        });
        child.stderr.setEncoding("utf8").on("data", (text: string) => {
            output += text;
        });
        child.stdin.on("error", () => undefined);
        child.stdin.end(options.input ?? "");
        const done = new Promise<Result>((resolve, reject) => {
            child.on("error", reject);
            child.on("close", (code) => resolve({ code, output }));
        });
        return { child, said: () => output, done };
    }

    run(command: string, args: string[], options: { input?: string; env?: NodeJS.ProcessEnv } = {}): Promise<Result> {
        return this.start(command, args, options).done;
    }

    /** The result of a command that must succeed; what it said otherwise. */
    async succeed(running: Promise<Result>): Promise<Result> {
        const result = await running;
        if (result.code !== 0) {
            throw new Error(`ended with ${result.code}:\n${result.output}`);
        }
        return result;
    }
}
