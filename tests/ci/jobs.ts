import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { tools } from "../helpers/checkout";
import type { Job, Pipeline, Step, Variables } from "./pipeline";

/** Where jobs run, and what their CI system and its project's settings give each of them. */
export interface CiSystem {
    /** For all that the jobs have: removed with it. */
    folder: string;
    /** The project's files. */
    checkout: string;
    /** Of this CI system and of its project's settings. */
    variables: Variables;
    /** PATH of machines, for what is not in `programs`. @default the system's */
    path?: string;
    /** Programs besides docker, in docker's image and on the CI system's machines: what each does, for sh. */
    programs: { [name: string]: string };
    /** The job's identity, for an audience. */
    token(audience: string): string;
    /** A command as it is called where the jobs run. @default here */
    enter?(folder: string, command: string, words: string[]): [string, string[]];
}

/**
 * Runs the jobs, those of a stage at once, each with a HOME of its own. Resolves to what each has printed.
 *
 * @throws Error with what a job's failed step has printed, when the other jobs of its stage have ended
 */
export async function runPipeline(system: CiSystem, pipeline: Pipeline): Promise<string[]> {
    const store = mkdtempSync(path.join(system.folder, "store."));
    const printed: string[] = [];
    for (const stage of pipeline) {
        const jobs = stage.map((job) => runJob(system, job, store));
        await Promise.allSettled(jobs);
        printed.push(...(await Promise.all(jobs)));
    }
    return printed;
}

async function runJob(system: CiSystem, job: Job, store: string): Promise<string> {
    const machine = new CiMachine(system, job, store);
    let printed = "";
    let failure: unknown;
    for (const step of job.steps) {
        if (failure && !(step.kind === "run" && step.isAlways)) {
            continue;
        }
        try {
            printed += await machine.take(step);
        } catch (error) {
            failure ??= error;
        }
    }
    if (failure) {
        throw failure;
    }
    return printed;
}

/** The machine, or the container, of one job. */
class CiMachine {
    private readonly folder: string;
    private readonly env: Variables;

    constructor(
        private readonly system: CiSystem,
        private readonly job: Job,
        private readonly store: string,
    ) {
        this.folder = mkdtempSync(path.join(system.folder, "job."));
        for (const name of ["work", "temporary", "programs", "home/.docker/cli-plugins"]) {
            mkdirSync(path.join(this.folder, name), { recursive: true });
        }
        // As in docker's image, and on the machines of CI systems.
        symlinkSync(path.join(tools, "buildx"), path.join(this.folder, "home/.docker/cli-plugins/docker-buildx"));
        this.writePrograms();
        const tokens = Object.entries(job.idTokens).map(([name, audience]) => [name, system.token(audience)]);
        this.env = {
            ...system.variables,
            ...Object.fromEntries(tokens),
            ...job.env,
            HOME: path.join(this.folder, "home"),
            TMPDIR: path.join(this.folder, "temporary"),
            RUNNER_TEMP: path.join(this.folder, "temporary"),
            PATH: `${path.join(this.folder, "programs")}:${job.image ? busyboxPrograms(system.folder) : (system.path ?? "/usr/bin:/bin")}`,
            // Docker's image expects a daemon beside it.
            ...(job.image ? { DOCKER_HOST: "tcp://docker:2375" } : {}),
        };
    }

    private writePrograms(): void {
        const programs = {
            docker: `PATH=${tools}:${process.env.PATH} exec docker "$@"`,
            // What CI systems have on their machines.
            circleci: `case "$*" in 'run oidc get --claims {"aud": "sigstore"}') echo '${this.system.token("sigstore")}' ;; *) exit 2 ;; esac`,
            "buildkite-agent": [
                'case "$1 $2" in',
                `'oidc request-token') [ "$3 $4" = '--audience sts.amazonaws.com' ] && echo '${this.system.token("sts.amazonaws.com")}' ;;`,
                `'artifact download') mkdir -p "$4/\${3%/*}" && cp ${this.store}/$3 "$4/\${3%/*}" ;;`,
                "*) exit 2 ;;",
                "esac",
            ].join("\n"),
            ...(this.job.image ? { apk: '[ "$1 $2" = "add --no-cache" ]' } : {}),
            ...this.system.programs,
        };
        for (const [name, body] of Object.entries(programs)) {
            const text = `#!/bin/sh\n${body}\n`;
            writeFileSync(path.join(this.folder, "programs", name), text, { mode: 0o755 });
        }
    }

    /** Resolves to what the step has printed. */
    async take(step: Step): Promise<string> {
        const work = path.join(this.folder, "work");
        switch (step.kind) {
            case "run":
                return this.run(step.script, step.env);
            case "checkout":
                cpSync(this.system.checkout, work, { recursive: true });
                return "";
            case "save":
                cpSync(path.join(work, step.folder), path.join(this.store, step.folder), { recursive: true });
                return "";
            case "take":
                cpSync(this.store, work, { recursive: true });
                return "";
            case "assumeRole": {
                const file = path.join(this.folder, "token");
                writeFileSync(file, this.system.token("sts.amazonaws.com"), { mode: 0o600 });
                Object.assign(this.env, { AWS_ROLE_ARN: step.role, AWS_WEB_IDENTITY_TOKEN_FILE: file });
                return "";
            }
        }
    }

    private run(script: string, env: Variables): Promise<string> {
        const [command = "", ...words] = [...this.job.shell, script];
        const work = path.join(this.folder, "work");
        const [program, all] = this.system.enter?.(work, command, words) ?? [command, words];
        const child = spawn(program, all, {
            cwd: work,
            env: { ...this.env, ...env },
            stdio: ["ignore", "pipe", "pipe"],
        });
        let printed = "";
        for (const stream of [child.stdout, child.stderr]) {
            stream.setEncoding("utf8").on("data", (text: string) => {
                printed += text;
            });
        }
        return new Promise((resolve, reject) => {
            child.on("error", reject);
            child.on("close", (code) =>
                code === 0
                    ? resolve(printed)
                    : reject(new Error(`job ${this.job.name} ended with ${code}:\n${printed}`)),
            );
        });
    }
}

/** A folder with what docker's image has of programs: BusyBox's, as in Alpine. */
function busyboxPrograms(folder: string): string {
    const programs = path.join(folder, "busybox");
    if (!existsSync(programs)) {
        mkdirSync(programs);
        const find = (name: string) => execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
        const names = execFileSync("busybox", ["--list"], { encoding: "utf8" }).split("\n").filter(Boolean);
        for (const name of ["busybox", ...names]) {
            symlinkSync(find("busybox"), path.join(programs, name));
        }
        // Debian leaves it out of its BusyBox.
        if (!names.includes("cksum")) {
            symlinkSync(find("cksum"), path.join(programs, "cksum"));
        }
    }
    return programs;
}
