import type { ChildProcess } from "node:child_process";

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
