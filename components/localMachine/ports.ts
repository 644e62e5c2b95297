import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import * as path from "node:path";

/** A process of the stack that listens on a port of 127.0.0.1. */
export interface PortUser {
    /** For messages, as in "the registry". */
    name: string;
    port: number;
    /** Its folder, with the pid file. */
    folder: string;
}

/** Ports that something else listens on, each as one line: setting, reason, remedy. */
export async function portMistakes(users: readonly PortUser[]): Promise<string[]> {
    const mistakes = users.map(async ({ name, port, folder }) =>
        runs(path.join(folder, "pid")) || (await isFree(port))
            ? []
            : [
                  `localPort: port ${port}, for ${name}, is in use by something else; end that, or choose another first ` +
                      "port: pulumi config set localPort NUMBER",
              ],
    );
    return (await Promise.all(mistakes)).flat();
}

/** Whether the process of a pid file is alive: then the port is ours. */
function runs(file: string): boolean {
    try {
        process.kill(Number(readFileSync(file, "utf8")), 0);
        return true;
    } catch {
        return false;
    }
}

/** Whether a server could listen at this port of 127.0.0.1. */
export function isFree(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const server = createServer();
        server.once("error", () => resolve(false));
        server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
    });
}
