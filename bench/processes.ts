import type { ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Sends a signal to a child and its process group, if it still runs. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
        return;
    }
    try {
        process.kill(-child.pid, signal);
    } catch {
        // It just ended.
    }
}

/** A process and all that descend from it. */
export function processTree(pid: string): string[] {
    const tasks = existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : [];
    const children = tasks.flatMap((task) => {
        try {
            return readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean);
        } catch {
            return [];
        }
    });
    return [pid, ...children.flatMap(processTree)];
}
