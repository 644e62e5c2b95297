import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import * as path from "node:path";
import { type FolderProcess, openFilesOf, processesIn } from "./folderProcesses";

/** A daemon of the stack that listens on a port of 127.0.0.1. */
export interface PortUser {
    /** For messages, as in "the registry". */
    name: string;
    port: number;
    /** Its folder, in the stack's folder. */
    folder: string;
}

/** Ports that somebody else listens on, each as one line: setting, reason, remedy. */
export async function portMistakes(users: readonly PortUser[]): Promise<string[]> {
    const mistakes = users.map(async ({ name, port, folder }) => {
        if (await isFree(port)) {
            return [];
        }
        const stackFolder = path.dirname(folder);
        const holder = listener(port, stackFolder);
        if (holder && !holder.isRemoved && path.basename(holder.folder) === path.basename(folder)) {
            return [];
        }
        const [who, end] = holder
            ? [nameOf(holder), `end that: kill ${holder.pid}`]
            : anotherStack(port, path.dirname(stackFolder));
        return [
            `localPort: port ${port}, for ${name}, is in use by ${who}; ${end}, or choose another first port: ` +
                "pulumi config set localPort NUMBER",
        ];
    });
    return (await Promise.all(mistakes)).flat();
}

/** Another daemon of the stack, whose port was this one, or one that is left of a folder. */
function nameOf({ pid, folder, isRemoved }: FolderProcess): string {
    return `process ${pid} of this stack, in ${folder}${isRemoved ? ", which was removed" : ""}`;
}

/** Who has the port, as far as it is known, and what would end it. @param dataFolder of all stacks */
function anotherStack(port: number, dataFolder: string): [who: string, end: string] {
    const holder = listener(port, dataFolder);
    return holder
        ? [`process ${holder.pid} of another stack, in ${holder.folder}`, "take that stack down"]
        : ["something else", "end that"];
}

/** The process of a stack's folder that listens on a port of 127.0.0.1. */
function listener(port: number, stackFolder: string): FolderProcess | undefined {
    const sockets = listeningSockets(port);
    return processesIn(stackFolder).find(({ pid }) => openFilesOf(pid).some((file) => sockets.has(file)));
}

/** As in `socket:[123]`. The columns are those of proc_net_tcp in the kernel's documentation; 0A is LISTEN. */
function listeningSockets(port: number): Set<string> {
    const address = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
    const rows = readFileSync("/proc/net/tcp", "utf8")
        .split("\n")
        .map((line) => line.trim().split(/\s+/));
    const listening = rows.filter(([, local, , state]) => local?.endsWith(address) && state === "0A");
    return new Set(listening.map((columns) => `socket:[${columns[9]}]`));
}

/** Whether a server could listen at this port of 127.0.0.1. */
export function isFree(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const server = createServer();
        server.once("error", () => resolve(false));
        server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
    });
}
