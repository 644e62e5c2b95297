import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";

const checkout = path.resolve(__dirname, "..");
const pulumi = [path.join(checkout, "tools/bin"), ...(process.env.PATH ?? "").split(":")]
    .map((folder) => path.join(folder, "pulumi"))
    .find((file) => existsSync(file));

/** A `describe` where Pulumi is there. Each test has a bench of its own. */
export function describeStacks(what: string, tests: (bench: () => StackBench) => void): void {
    (pulumi ? describe : describe.skip)(what, () => {
        let bench: StackBench;
        beforeEach(() => {
            bench = new StackBench();
        });
        afterEach(() => bench.dispose());
        tests(() => bench);
    });
}

/**
 * The real scripts of `make up` and `make down`, and the real pulumi; only what would set up the machine, deploy or show a stack is
 * noted instead.
 */
export class StackBench {
    readonly folder = temporaryFolder();

    constructor() {
        for (const file of ["env.sh", "stack.sh", "up.sh", "down.sh"]) {
            cpSync(path.join(checkout, "tools", file), path.join(this.folder, "tools", file));
        }
        cpSync(path.join(checkout, "Pulumi.yaml"), path.join(this.folder, "Pulumi.yaml"));
        const note = `>>'${this.folder}/calls'`;
        this.write("tools/setup.sh", "#!/bin/sh", `echo setup ${note}`);
        this.write("examples/encoder/prepare.sh", "#!/bin/sh", `echo prepare ${note}`);
        this.write(
            "tools/bin/node",
            "#!/bin/sh",
            `case "$*" in *summary.ts*) cat >/dev/null; echo summary ${note} ;; *) exec '${process.execPath}' "$@" ;; esac`,
        );
        this.write(
            "tools/bin/pulumi",
            "#!/bin/sh",
            'case "$1 $2" in',
            `"up "* | "destroy "*) echo "$1 $3, plugins \${PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION:+not }fetched" ${note} ;;`,
            `"stack output") echo '{"connect": "echo connect $1 ${note.replaceAll("'", "")}"}' ;;`,
            `*) exec '${pulumi}' "$@" ;;`,
            "esac",
        );
    }

    /** Where something is below the project's folder. */
    path(file: string): string {
        return path.join(this.folder, file);
    }

    read(file: string): string {
        return readFileSync(this.path(file), "utf8");
    }

    /** Writes a file, which may be a program, of such lines. */
    write(file: string, ...lines: string[]): void {
        mkdirSync(path.dirname(this.path(file)), { recursive: true });
        writeFileSync(this.path(file), `${lines.join("\n")}\n`);
        chmodSync(this.path(file), 0o755);
    }

    /** Runs sh in the project's folder. */
    shell(...words: string[]) {
        return this.shellOf(process.getuid?.(), ...words);
    }

    /** Runs it as another user. */
    shellOf(uid: number | undefined, ...words: string[]) {
        const { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: _, PULUMI_PARALLEL: __, ...inherited } = process.env;
        return spawnSync("sh", words, {
            cwd: this.folder,
            encoding: "utf8",
            uid,
            env: {
                ...inherited,
                HOME: this.folder,
                PULUMI_HOME: this.path("pulumi"),
                NATIVE_BUILDX_HOME: this.path("data"),
                PULUMI_BACKEND_URL: "",
            },
        });
    }

    /** What was noted, each on a line. */
    get calls(): string[] {
        return this.read("calls").trim().split("\n");
    }

    /** Runs a script of folder tools. @returns what was noted meanwhile @throws Error with its messages if it fails */
    run(script: string, ...args: string[]): string[] {
        rmSync(this.path("calls"), { force: true });
        const { status, stderr } = this.shell(this.path(`tools/${script}`), ...args);
        if (status !== 0) {
            throw new Error(stderr);
        }
        return this.calls;
    }

    dispose(): void {
        rmSync(this.folder, { recursive: true });
    }
}
