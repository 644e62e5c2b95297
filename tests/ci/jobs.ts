import { execFileSync, spawn } from "node:child_process";
import {
    cpSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import * as path from "node:path";
import { tools } from "../helpers/checkout";
import type { Job, Pipeline, Step, Variables } from "./pipeline";

/** Where jobs run, and what their CI system and its project's settings give each of them. */
export interface CiSystem {
    /** For all that the jobs have: removed with it. */
    folder: string;
    /** A machine that stays: HOME and the temporary folder are in it, those of all jobs. @default each job has a new machine */
    machine?: string;
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
        const isWanted = ({ onlyWith }: Job) => !onlyWith || onlyWith.some((name) => system.variables[name]);
        const jobs = stage.filter(isWanted).map((job) => runJob(system, job, store));
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
            if (step.kind === "run" && step.mayFail) {
                printed += error;
            } else {
                failure ??= error;
            }
        }
    }
    machine.end();
    if (failure) {
        throw failure;
    }
    return printed;
}

/** Files that jobs have left on a machine that stays, besides the plugin that it had. */
export function leftOn(machine: string): string[] {
    return readdirSync(machine, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map(({ parentPath, name }) => path.relative(machine, path.join(parentPath, name)))
        .filter((file) => file !== "home/.docker/cli-plugins/docker-buildx");
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
        const machine = system.machine ?? this.folder;
        const plugins = path.join(machine, "home/.docker/cli-plugins");
        for (const folder of [...["work", "runner", "programs"].map((name) => path.join(this.folder, name)), plugins]) {
            mkdirSync(folder, { recursive: true });
        }
        mkdirSync(path.join(machine, "temporary"), { recursive: true });
        // As in docker's image, and on the machines of CI systems.
        if (!existsSync(path.join(plugins, "docker-buildx"))) {
            symlinkSync(path.join(tools, "buildx"), path.join(plugins, "docker-buildx"));
        }
        this.writePrograms();
        const tokens = Object.entries(job.idTokens).map(([name, audience]) => [name, system.token(audience)]);
        this.env = {
            ...system.variables,
            ...Object.fromEntries(tokens),
            ...job.env,
            HOME: path.join(machine, "home"),
            TMPDIR: path.join(machine, "temporary"),
            RUNNER_TEMP: path.join(this.folder, "runner"),
            GITHUB_ENV: path.join(this.folder, "variables"),
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

    /** GitHub's runner empties this folder after each job. */
    end(): void {
        rmSync(path.join(this.folder, "runner"), { recursive: true });
    }

    /** What earlier steps have set for later ones, as GitHub has it. */
    private get handedOn(): Variables {
        const file = path.join(this.folder, "variables");
        const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
        return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s)));
    }

    private run(script: string, env: Variables): Promise<string> {
        const [command = "", ...words] = [...this.job.shell, script];
        const work = path.join(this.folder, "work");
        const [program, all] = this.system.enter?.(work, command, words) ?? [command, words];
        const child = spawn(program, all, {
            cwd: work,
            env: { ...this.env, ...this.handedOn, ...env },
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
