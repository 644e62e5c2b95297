import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import type { OtherMachine } from "../progress/receipt";
import { findBuildx } from "./findBuildx";
import { recordsFolder, stackRecords } from "./records";

/** Seconds after something was seen to serve in which the next image does not ask again. */
const trustSeconds = 5;

/** A runner to wake. */
export interface Waking {
    /** The builder that has this runner alone. */
    builder: string;
    /** The runner's name. */
    runner: string;
    /** When it was asked for, by `performance.now()`. @default now */
    asked?: number;
}

/** A runner that serves. */
export interface Woken {
    /** The seconds it took. */
    seconds: number;
    /** What serves in its place. @default its own machine does */
    on?: OtherMachine;
}

/** What names a runner among all of a program's: two builders, each of a script of its own, may have one name. */
export function runnerKey(script: string, builder: string): string {
    return `${script} ${builder}`;
}

/**
 * Runs the connect script: brings runners to serving and registers them with buildx on this machine. Several images that
 * need a runner at the same time share one connection.
 */
export class Connections {
    /** By their keys. */
    private readonly scripts = new Map<string, string>();
    private readonly running = new Map<string, Promise<void>>();
    /** When a runner was seen to serve, and what a script prepares: the time in ms. */
    private readonly seenServing = new Map<string, number>();
    /** By runner: what serves in the place of its own machine. */
    private readonly others = new Map<string, OtherMachine | undefined>();
    /** By runner: why it could not be woken, and when that was known. */
    private readonly failures = new Map<string, { error: unknown; at: number }>();

    /** @param find says which buildx builds. @default the caller's */
    constructor(private readonly find: () => Promise<string[]> = () => findBuildx(process.env)) {}

    /** Keeps a connect script. @returns its key, by which images name it */
    keep(script: string): string {
        const key = createHash("sha256").update(script).digest("hex");
        this.scripts.set(key, script);
        return key;
    }

    /**
     * Wakes and registers one runner. Rejects with what the script said; at once where that was found out after this was asked
     * for: forty images that wait for their turn on a runner that cannot be woken are not ten times ten minutes.
     *
     * @param script key of the connect script
     * @param onProgress gets each line as it is said
     */
    async connect(
        script: string,
        { builder, runner, asked = performance.now() }: Waking,
        onProgress: (line: string) => void,
        signal: AbortSignal,
    ): Promise<Woken> {
        const key = runnerKey(script, builder);
        if (this.isTrusted(key)) {
            return { seconds: 0, on: this.others.get(key) };
        }
        const failure = this.failures.get(key);
        if (failure && failure.at >= asked) {
            throw failure.error;
        }
        const started = performance.now();
        await this.once(key, async () => {
            const records = ["--records", await stackRecords(process.env, script)];
            const words = [...(await this.buildxWords()), runner, ...records];
            const printed = await runConnectScript(this.textOf(script), words, onProgress, signal);
            this.others.set(key, otherMachine(printed));
        }).catch((error) => {
            if (!signal.aborted) {
                this.failures.set(key, { error, at: performance.now() });
            }
            throw error;
        });
        this.served(script, builder);
        return { seconds: (performance.now() - started) / 1000, on: this.others.get(key) };
    }

    /** A build on the builder's runner, pushed to the script's registry, has just ended well: both serve. */
    served(script: string, builder: string): void {
        for (const what of [script, runnerKey(script, builder)]) {
            this.seenServing.set(what, performance.now());
        }
    }

    /** Starts what has to run besides the runners: the local registry. */
    async prepare(script: string, signal: AbortSignal): Promise<void> {
        if (!this.isTrusted(script)) {
            await this.once(script, async () => {
                await runConnectScript(this.textOf(script), ["--prepare"], () => undefined, signal);
            });
        }
    }

    /** None for docker's own, and where there is no buildx, which the script reports. */
    private async buildxWords(): Promise<string[]> {
        const [file, plugin] = await this.find().catch(() => []);
        return file && !plugin ? ["--buildx", file] : [];
    }

    private textOf(script: string): string {
        const text = this.scripts.get(script);
        if (text === undefined) {
            throw new Error(`connect script ${script} was not given to the provider before it was to run`);
        }
        return text;
    }

    private isTrusted(what: string): boolean {
        const seen = this.seenServing.get(what) ?? Number.NEGATIVE_INFINITY;
        return performance.now() - seen < trustSeconds * 1000;
    }

    private async once(what: string, task: () => Promise<void>): Promise<void> {
        const running = this.running.get(what) ?? task();
        this.running.set(what, running);
        try {
            await running;
        } finally {
            this.running.delete(what);
        }
    }
}

/** What connect prints where a runner's own machine does not serve. */
function otherMachine(printed: string): OtherMachine | undefined {
    const [, type, runner] = /^\S+ is served by (\S+) of (\S+)$/m.exec(printed) ?? [];
    return type && runner ? { type, runner } : undefined;
}

/** How much of a failed script's output is shown. */
const shownLines = 8;

/**
 * Runs the connect script by `sh -s`: it is on standard input, so it is in no process arguments and in no file. Resolves
 * to what it printed; rejects with what it said. It finds a place for its files also where the caller's own docker configuration
 * cannot be written to.
 *
 * @param onProgress gets each line as it is said
 */
export async function runConnectScript(
    script: string,
    args: string[],
    onProgress: (line: string) => void = () => undefined,
    signal?: AbortSignal,
): Promise<string> {
    const records = await recordsFolder(process.env);
    return new Promise((resolve, reject) => {
        const env = { ...process.env, BUILDX_CONFIG: records };
        const child = spawn("sh", ["-s", "--", ...args], { stdio: ["pipe", "pipe", "pipe"], env, signal });
        const said: string[] = [];
        const printed: Buffer[] = [];
        child.stdout.on("data", (part) => printed.push(part));
        createInterface({ input: child.stderr }).on("line", (line) => {
            said.push(line);
            onProgress(line);
        });
        child.on("error", (error) => reject(signal?.aborted ? new Error("canceled") : error));
        child.on("close", (code, ended) => {
            if (code === 0) {
                resolve(Buffer.concat(printed).toString());
            } else {
                reject(
                    new Error(said.slice(-shownLines).join("\n") || `connect ended with ${ended ?? `status ${code}`}`),
                );
            }
        });
        // A script that gives up early closes its end; the exit status says why.
        child.stdin.on("error", () => undefined);
        child.stdin.end(script);
    });
}
