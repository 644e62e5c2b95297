import { readFileSync } from "node:fs";

/** A text that identifies a process: its id, and when it started, because ids are used again. */
export function processTag(pid: number = process.pid): string {
    return `${pid}-${startOf(pid)}`;
}

/** Whether the process of a tag still runs. */
export function isAlive(tag: string): boolean {
    const pid = Number(tag.split("-")[0]);
    if (!Number.isInteger(pid) || pid <= 0) {
        return false;
    }
    try {
        process.kill(pid, 0);
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EPERM") {
            return false;
        }
    }
    return processTag(pid) === tag;
}

/** The process's start, in the kernel's ticks since boot; empty where there is no /proc, and the id has to be enough. */
function startOf(pid: number): string {
    try {
        // Behind the program's name, which may have blanks and brackets in it: field 22 of proc(5).
        return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ")[19] ?? "";
    } catch {
        return "";
    }
}
