import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";

/** In milliseconds. */
const day = 24 * 3600 * 1000;

/**
 * A text that identifies a process: where ids are its own, its id, and when it started, because ids are used again. Containers,
 * or machines, may share a folder that has it.
 */
export function processTag(pid: number = process.pid): string {
    return `${realm()}-${pid}-${startOf(pid)}`;
}

/**
 * Whether what has a process's tag is left over: the process has ended or, where that cannot be seen from here, may have.
 *
 * @param written when it was written, in milliseconds
 * @param patience after which it may have, in milliseconds. @default a day
 */
export function isLeft(tag: string, written: number, now = Date.now(), patience = day): boolean {
    const [place, pid] = tag.split("-");
    return place === realm() ? !isAlive(Number(pid), tag) : now - written > patience;
}

function isAlive(pid: number, tag: string): boolean {
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

let known: string | undefined;

/** Where process ids mean the same. It is looked for once. */
function realm(): string {
    known ??= findRealm();
    return known;
}

function findRealm(): string {
    const parts = [
        () => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"),
        () => readlinkSync("/proc/self/ns/pid"),
    ];
    const found = parts.map((read) => {
        try {
            return read();
        } catch {
            return "";
        }
    });
    return createHash("sha256").update(found.join()).digest("hex").slice(0, 8);
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
