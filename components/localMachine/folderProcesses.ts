import { existsSync, readdirSync, readlinkSync, realpathSync } from "node:fs";
import * as path from "node:path";

/** A process of this machine that works in a folder. */
export interface FolderProcess {
    pid: number;
    /** As the kernel has it, without links. */
    folder: string;
    /** The folder was removed since, and there may be another of its name. */
    isRemoved: boolean;
}

/** What the kernel puts behind the path of a file that was removed. */
const removed = " (deleted)";

/** The processes that work in a folder or below it, as far as this user may know. */
export function processesIn(folder: string): FolderProcess[] {
    const home = realPath(folder);
    return entriesOf("/proc")
        .filter((name) => /^\d+$/.test(name))
        .flatMap((pid) => {
            const { file, isRemoved } = targetOf(`/proc/${pid}/cwd`);
            const isInside = file === home || file.startsWith(`${home}${path.sep}`);
            return isInside ? [{ pid: Number(pid), folder: file, isRemoved }] : [];
        });
}

/**
 * The daemons of a folder, which have their output in its `log` (see daemon.sh), and not whoever looks around there. Of a
 * folder that was removed too.
 */
export function daemonsOf(folder: string): FolderProcess[] {
    const home = realPath(folder);
    return processesIn(folder).filter(
        (found) => found.folder === home && targetOf(`/proc/${found.pid}/fd/1`).file === path.join(home, "log"),
    );
}

/** The files that a process has open, sockets as in `socket:[123]`. */
export function openFilesOf(pid: number): string[] {
    const folder = `/proc/${pid}/fd`;
    return entriesOf(folder).map((name) => targetOf(path.join(folder, name)).file);
}

/** Empty where there is none: it, or its process, may have ended since. */
function entriesOf(folder: string): string[] {
    try {
        return readdirSync(folder);
    } catch {
        return [];
    }
}

/** Where a link of the kernel's leads; to nothing where the process has ended, or is another user's. */
function targetOf(link: string): { file: string; isRemoved: boolean } {
    try {
        const target = readlinkSync(link);
        const isRemoved = target.endsWith(removed);
        return { file: isRemoved ? target.slice(0, -removed.length) : target, isRemoved };
    } catch {
        return { file: "", isRemoved: false };
    }
}

/** A folder's path without links, also where the folder, or those above it, are gone. */
function realPath(folder: string): string {
    return existsSync(folder) ? realpathSync(folder) : path.join(realPath(path.dirname(folder)), path.basename(folder));
}
