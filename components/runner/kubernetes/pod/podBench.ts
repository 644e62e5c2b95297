import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import * as path from "node:path";
import { Workbench } from "../../../../tests/helpers/workbench";
import { type PodSettings, podFiles } from "../podFiles";

/** Of a runner for tests. */
export const podSettings: PodSettings = {
    platform: "linux/arm64",
    namespace: "demo-prod",
    statefulSet: "arm64-2",
    idleMinutes: 5,
    cacheGigabytes: 100,
    registryMirrors: {},
    refusedCidrs: ["10.0.0.0/16"],
    maxParallelism: 0,
    stepMemoryMegabytes: 0,
    historyDays: 7,
    historyBuilds: 50,
};

/** A workbench on which the files of a pod are laid out, for the tests of its scripts. */
export class PodBench extends Workbench {
    readonly socket = this.path("sockets/buildkitd.sock");
    private readonly started: number[] = [];

    /** @param shell what the scripts are run by */
    constructor(private readonly shell: readonly string[]) {
        super();
    }

    /** Lays the files out as in a pod, with paths and times that fit a test. */
    layOut(changes: { [setting: string]: string | number } = {}): void {
        for (const [name, text] of Object.entries(podFiles(podSettings))) {
            this.write(`lib/${name}`, text);
        }
        const all = {
            cache_directory: this.folder,
            run_directory: this.path("run"),
            socket: this.socket,
            unserved: this.path("sockets/unserved"),
            service_account: this.path("account"),
            processes: this.path("processes"),
            name_servers: this.path("resolv.conf"),
            interface: this.path("eth0"),
            look_seconds: 1,
            ...changes,
        };
        const extra = Object.entries(all).map(([name, value]) => `${name}='${value}'\n`);
        this.append("lib/settings.sh", extra.join(""));
        // For other folders than the machine's.
        this.append("lib/steps.sh", `control_groups='${this.path("groups")}'\n`);
        mkdirSync(this.path("sockets"), { recursive: true });
        this.write("run/said");
        this.write("resolv.conf", "nameserver 10.96.0.10\n");
        this.write("account/token", "TOKEN");
        this.write("groups/memory/tasks");
    }

    /** Words that run a script of the pod in its shell. */
    script(name: string): string[] {
        return [...this.shell, path.join(this.folder, "lib", name)];
    }

    /** Starts a script of the pod that goes on until it is ended; `end` resolves to what it said on standard error. */
    start(name: string, env: { [name: string]: string }, ...words: string[]) {
        const [file = "", ...script] = this.script(name);
        const child = spawn(file, [...script, ...words], {
            env: { ...process.env, ...env, PATH: `${this.path("bin")}:${process.env.PATH}` },
            stdio: ["ignore", "ignore", "pipe"],
            detached: true,
        });
        const id = child.pid ?? 0;
        this.started.push(id);
        let said = "";
        child.stderr.on("data", (data) => {
            said += data;
        });
        const exited = once(child, "exit");
        return {
            id,
            isRunning: () => child.exitCode === null,
            async end(signal: NodeJS.Signals = "SIGKILL"): Promise<string> {
                child.kill(signal);
                await exited;
                return said;
            },
            exited: exited.then(([status]) => status as number | null),
        };
    }

    /** Ends all of what was started first: without the stand-ins it would set the machine's own packet filter. */
    override dispose(): void {
        for (const id of this.started) {
            try {
                process.kill(-id, "SIGKILL");
            } catch {
                // It has ended.
            }
        }
        super.dispose();
    }

    /** Words that run lines of shell after the pod's functions. */
    lines(...lines: string[]): string[] {
        const parts = ["settings", "common", "scale"].map((part) => `. '${this.path(`lib/${part}.sh`)}'`);
        return [...this.shell, this.write("main.sh", [...parts, ...lines, ""].join("\n"))];
    }
}
