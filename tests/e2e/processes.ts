import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Waits until something is so; fails with what was waited for after a generous time. */
export async function until(what: string, check: () => boolean | Promise<boolean>, seconds = 90): Promise<void> {
    const end = Date.now() + seconds * 1000;
    while (!(await check())) {
        if (Date.now() > end) {
            throw new Error(`waited ${seconds} s for: ${what}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
}

/** The folder that a process works in; empty if it is gone. */
export function folderOf(pid: string): string {
    try {
        return readlinkSync(`/proc/${pid}/cwd`);
    } catch {
        return "";
    }
}

/** Ids of the processes that work in a folder. */
export function processesIn(folder: string): number[] {
    return readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name) && folderOf(name) === folder)
        .map(Number);
}

/** Ids of the processes that a process has started, and theirs; 0, or one that ends meanwhile, has none. */
export function descendants(pid: number): number[] {
    // A program of several threads has started children from any of them.
    const threads = pid ? ifThere([], () => readdirSync(`/proc/${pid}/task`)) : [];
    const children = threads.flatMap((thread) => {
        const found = ifThere("", () => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8"));
        return found.split(/\s+/).filter(Boolean).map(Number);
    });
    return [...children, ...children.flatMap(descendants)];
}

function ifThere<T>(otherwise: T, read: () => T): T {
    try {
        return read();
    } catch {
        return otherwise;
    }
}

/** A process's command and arguments; empty if it has ended. */
export function commandOf(pid: number): string {
    return wordsOf(pid).join(" ");
}

/** The same, word by word, and an empty one at the end. */
export function wordsOf(pid: number): string[] {
    return ifThere("", () => readFileSync(`/proc/${pid}/cmdline`, "utf8")).split("\0");
}

/** Kills what was started `detached`, with all that it has started, if there still is any of it. */
export function killGroup(leader: ChildProcess | undefined): void {
    try {
        if (leader?.pid) {
            process.kill(-leader.pid, "SIGKILL");
        }
    } catch {
        // It has ended.
    }
}

/** Kills a process, if there still is one. */
export function kill(pid: number): void {
    // 0 is every process of this group.
    if (!(pid > 1)) {
        throw new Error(`there is no process ${pid}`);
    }
    try {
        process.kill(pid, "SIGKILL");
    } catch {
        // It has ended.
    }
}
