import { execFile } from "node:child_process";
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "./temporaryFolder";

/** The shells that our scripts must run in: Debian's, and that of small CI images. */
export const shells: [string, string[]][] = [
    ["dash", ["dash"]],
    ["busybox sh", ["busybox", "sh"]],
];

export interface ScriptResult {
    status: number;
    stdout: string;
    stderr: string;
}

/** A folder with commands of our own that stand in front of the machine's, and a log of how they were called. */
export class Workbench {
    readonly folder = temporaryFolder();
    private readonly bin = path.join(this.folder, "bin");
    private pathBefore: string | undefined;

    constructor() {
        mkdirSync(this.bin);
    }

    path(name: string): string {
        return path.join(this.folder, name);
    }

    write(name: string, text = ""): string {
        mkdirSync(path.dirname(this.path(name)), { recursive: true });
        writeFileSync(this.path(name), text);
        return this.path(name);
    }

    append(name: string, text: string): void {
        appendFileSync(this.path(name), text);
    }

    read(name: string): string {
        return existsSync(this.path(name)) ? readFileSync(this.path(name), "utf8") : "";
    }

    /** A command whose call is noted in `calls` before `body` (sh) runs; `$bench` is this folder. */
    stub(name: string, body = ""): void {
        const file = path.join(this.bin, name);
        writeFileSync(
            file,
            `#!/bin/sh\nbench='${this.folder}'\nprintf '%s %s\\n' ${name} "$*" >>"$bench/calls"\n${body}\n`,
        );
        chmodSync(file, 0o755);
    }

    get calls(): string[] {
        return this.read("calls")
            .split("\n")
            .filter((line) => line !== "");
    }

    /** @param options seconds after which it is ended, with status -1, and what ends it before. @default 30 s */
    run(
        command: string[],
        options: { env?: { [name: string]: string }; seconds?: number; until?: () => boolean } = {},
    ) {
        const [file = "", ...args] = command;
        return new Promise<ScriptResult>((resolve) => {
            const child = execFile(
                file,
                args,
                {
                    timeout: (options.seconds ?? 30) * 1000,
                    env: { ...process.env, PATH: `${this.bin}:${process.env.PATH}`, ...options.env },
                },
                (error, stdout, stderr) => {
                    clearInterval(look);
                    resolve({ status: error ? (typeof error.code === "number" ? error.code : -1) : 0, stdout, stderr });
                },
            );
            const look = setInterval(() => options.until?.() && child.kill(), 50);
        });
    }

    /** Lets this process find what was stubbed, until `dispose`. */
    putOnPath(): void {
        this.pathBefore = process.env.PATH;
        process.env.PATH = `${this.bin}:${process.env.PATH}`;
    }

    dispose(): void {
        if (this.pathBefore !== undefined) {
            process.env.PATH = this.pathBefore;
        }
        // What a command of ours has left running may write there for another moment.
        rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
    }
}
