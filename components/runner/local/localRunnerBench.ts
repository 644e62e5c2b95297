import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { kill } from "../../../tests/e2e/processes";
import { find } from "../../../tests/helpers/find";
import { histories } from "../../../tests/helpers/histories";
import { shells, Workbench } from "../../../tests/helpers/workbench";

const components = path.join(__dirname, "..");

/** The programs that runner.sh may use, besides BuildKit's. Nothing else is on its PATH here. */
const programs =
    "awk cat cksum cmp cp date df find flock grep id mkdir mktemp mv nproc openssl rm rmdir setsid sleep tail tr unshare".split(
        " ",
    );

/** Waits for what other processes do. */
export async function until(condition: () => boolean): Promise<void> {
    const end = Date.now() + 20_000;
    while (!condition()) {
        if (Date.now() > end) {
            throw new Error(`in vain: ${condition}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
}

/** Where a local runner's script does not run: what is missing. */
function missing(shell: string): string | undefined {
    if (!find(shell)) {
        return shell;
    }
    if (process.getuid?.() !== 0) {
        return "root, for a PID namespace";
    }
    return ["unshare", "flock", "setsid"].find((program) => !find(program));
}

/** What a command says that has nothing to say. */
export const quiet = { status: 0, stdout: "", stderr: "" };

/** A local runner's folder with its script, and stand-ins for BuildKit's programs. */
export class LocalRunnerBench extends Workbench {
    /** The runner's folder. */
    readonly runner = this.path("runner");

    constructor(private readonly shell: readonly string[]) {
        super();
        for (const folder of ["programs", "runner", "runner/root", "groups/memory"]) {
            mkdirSync(this.path(folder), { recursive: true, mode: 0o700 });
        }
        for (const program of programs) {
            symlinkSync(find(program) ?? program, this.path(`programs/${program}`));
        }
        // What `sh` is: everything that the script starts runs in the same shell.
        symlinkSync(find(shell[0] ?? "") ?? "", this.path("programs/sh"));
        this.stubBuildkit();
        this.write("histories", histories());
        const scripts = ["idle.sh", "keys.sh", "steps.sh", "room.sh", "emulation/emulation.sh"];
        for (const file of ["local/runner.sh", "local/watch.sh", "../localMachine/daemon.sh", ...scripts]) {
            copyFileSync(path.join(components, file), path.join(this.runner, path.basename(file)));
        }
        // For other folders than the machine's.
        this.append("runner/steps.sh", `control_groups='${this.path("groups")}'\n`);
        writeFileSync(path.join(this.runner, "buildkitd.toml"), "one\n");
        this.settings({});
    }

    private stubBuildkit(): void {
        this.stub("runc");
        this.stub(
            "buildctl",
            `case $2 in
                workers) [ ! -e "$bench/serving" ] || echo ID; [ ! -e "$bench/busy" ] ;;
                histories) cat "$bench/histories" ;;
            esac`,
        );
        // Serves at once unless there is a file `mute`; drains until there is no file `building`.
        this.stub(
            "buildkitd",
            `if [ -e "$bench/broken" ]; then echo 'buildkitd: no space left' >&2; exit 3; fi
            trap 'while [ -e "$bench/building" ]; do sleep 0.05; done; rm -f "$bench/serving"; exit 0' TERM
            sh -c 'trap "" TERM; while :; do sleep 1; done' &
            [ -e "$bench/mute" ] || : >"$bench/serving"
            while :; do sleep 0.05; done`,
        );
    }

    /** Another runner on the same machine. */
    another(): LocalRunnerBench {
        return new LocalRunnerBench(this.shell);
    }

    /** @param more sets variables of runner.sh, such as its limits */
    settings({ idleSeconds = 0, stepMemory = 100, programs = this.path("programs"), more = "" }): void {
        this.write(
            "runner/settings.sh",
            `name='test runner' server_name=test.example idle_seconds=${idleSeconds} PATH='${this.path("bin")}:${programs}'
            step_group=test step_memory_megabytes=${stepMemory} ${more}\n`,
        );
    }

    /** Starts a command of the script. */
    begin(word: string, environment: { [name: string]: string } = {}) {
        const [file = "", ...args] = this.shell;
        const child = spawn(find(file) ?? file, [...args, "runner.sh", word], {
            cwd: this.runner,
            env: { PATH: this.path("programs"), ...environment },
            stdio: ["ignore", "pipe", "pipe"],
        });
        let [stdout, stderr] = ["", ""];
        child.stdout.on("data", (data) => {
            stdout += data;
        });
        child.stderr.on("data", (data) => {
            stderr += data;
        });
        const closed = new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) => {
            child.on("close", (status) => {
                resolve({ status, stdout, stderr });
            });
        });
        return { child, closed };
    }

    ask(word: string) {
        return this.begin(word).closed;
    }

    async status(): Promise<string> {
        return (await this.ask("status")).stdout.trim();
    }

    /** How often buildkitd was started. */
    starts(): number {
        return this.calls.filter((call) => call.startsWith("buildkitd ")).length;
    }

    supervisor(): number {
        return Number(this.read("runner/pid"));
    }

    /**
     * Numbers, as seen from outside, of all processes that work in the runner's folder, also where it was removed: the
     * runner's, whoever their parent is by now. (One that has ended and was not waited for has no folder any more.)
     */
    processes(): number[] {
        return readdirSync("/proc")
            .map(Number)
            .filter((pid) => {
                try {
                    const folder = readlinkSync(`/proc/${pid}/cwd`);
                    return pid > 0 && [this.runner, `${this.runner} (deleted)`].includes(folder);
                } catch {
                    return false;
                }
            });
    }

    /** Ends all that is left. */
    async end(): Promise<void> {
        await until(() => {
            const left = this.processes();
            left.forEach(kill);
            return left.length === 0;
        });
        this.dispose();
    }
}

/** For a `describe` in one shell: a new bench before each test, and `it`, which is skipped where runner.sh cannot run. */
export function localRunnerForEach(shell: readonly string[]): { it: jest.It; bench: () => LocalRunnerBench } {
    const reason = missing(shell[0] ?? "");
    const it = reason ? test.skip : test;
    if (reason) {
        test.skip(`needs ${reason}`, () => undefined);
    }
    let bench: LocalRunnerBench;
    beforeEach(() => {
        bench = new LocalRunnerBench(shell);
    });
    afterEach(() => bench.end());
    return { it, bench: () => bench };
}

/** Tests of a local runner, in each shell: their `it`, and the bench of the test that runs. */
export function describeLocalRunner(what: string, tests: (it: jest.It, bench: () => LocalRunnerBench) => void): void {
    describe.each(shells)(`${what} in %s`, (_shellName, shell) => {
        const { it, bench } = localRunnerForEach(shell);
        tests(it, bench);
    });
}
