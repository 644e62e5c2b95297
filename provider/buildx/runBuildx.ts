import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import * as path from "node:path";
import type { Hide } from "../hiddenSecrets";
import type { BuildxEnd } from "../progress/buildError";
import { type RawProgress, RawProgressReader } from "../progress/rawProgress";

/** Milliseconds for buildx to end after it was asked to; then it is killed. */
const graceMilliseconds = 10_000;
/** Milliseconds for reading the rest of its output after its end. */
const drainMilliseconds = 5_000;

export interface RunOptions {
    /** Working directory. @default the process's */
    folder?: string;
    /** Variables besides the environment of every call: secrets. */
    environment?: { [name: string]: string };
    /** Is told of the build's progress, with `--progress rawjson`. */
    onProgress?: (progress: RawProgress) => void;
}

/** buildx, and what it runs in. */
export interface BuildxProgram {
    /** The program, by its path, and its first arguments. */
    command: [string, ...string[]];
    /** The environment of every call: nothing in it comes between a build and what was declared. */
    environment: NodeJS.ProcessEnv;
    /** A folder for files of these calls that goes with them, readable by its owner only. */
    folder: string;
    /** Hides the secrets of what is built, in all that buildx says. */
    hide: Hide;
    /** Ends what runs, on the runner too. */
    signal: AbortSignal | undefined;
}

/**
 * Runs buildx to its end, which may be a failure: the caller sees it in the result. buildx cannot outlive this process, and
 * all of its output is read, whatever it is.
 *
 * @returns with its standard output as `output`
 * @throws where it cannot be started
 */
export function runBuildx(
    buildx: BuildxProgram,
    words: string[],
    options: RunOptions = {},
): Promise<BuildxEnd & { output: Buffer }> {
    return new Promise((resolve, reject) => {
        const child = start(buildx, words, options);
        const output: Buffer[] = [];
        const reader = new RawProgressReader(options.onProgress ?? (() => undefined), buildx.hide);
        let killer: NodeJS.Timeout | undefined;
        const end = () => {
            child.kill("SIGTERM");
            killer = setTimeout(() => child.kill("SIGKILL"), graceMilliseconds);
        };
        child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
        child.stderr.on("data", (chunk: Buffer) => reader.write(chunk));
        child.stdin.on("error", () => undefined);
        child.on("error", reject);
        child.on("exit", () => {
            clearTimeout(killer);
            buildx.signal?.removeEventListener("abort", end);
            // So that tied.sh does not act.
            child.stdin.end("\n");
            // A program it started, such as git, may hold its pipes.
            setTimeout(() => child.stderr.destroy(), drainMilliseconds).unref();
            setTimeout(() => child.stdout.destroy(), drainMilliseconds).unref();
        });
        child.on("close", (code, signal) => {
            reader.end();
            resolve({ code, signal, text: reader.text(), output: Buffer.concat(output) });
        });
        if (buildx.signal?.aborted) {
            end();
        } else {
            buildx.signal?.addEventListener("abort", end, { once: true });
        }
    });
}

/** What Node says where it cannot start a program, in words for the user. */
const refusals: { [code: string]: string } = {
    E2BIG:
        "The arguments and secrets of this build are longer than a program can be given: 128 kB each, 2 MB in all. " +
        "Put long ones into a file of the context, or fetch them in a step.",
    // Node's own message shows the value.
    ERR_INVALID_ARG_VALUE:
        "The arguments and secrets of this build cannot have NUL bytes, which no program can be given. Remove them, or " +
        "encode the value, as in base64.",
};

function start(
    buildx: BuildxProgram,
    words: string[],
    { folder, environment }: RunOptions,
): ChildProcessWithoutNullStreams {
    try {
        return spawn("sh", [path.join(__dirname, "tied.sh"), ...buildx.command, ...words], {
            cwd: folder,
            env: { ...buildx.environment, ...environment },
            stdio: ["pipe", "pipe", "pipe"],
        });
    } catch (error) {
        const refused = refusals[(error as NodeJS.ErrnoException).code ?? ""];
        throw refused ? new Error(refused) : error;
    }
}
