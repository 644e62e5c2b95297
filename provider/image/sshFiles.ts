import * as path from "node:path";
import { statsOf } from "../context/statsOf";

/**
 * Refuses keys and sockets that are not on this machine, before a runner is woken for a build with them. A preview and an
 * image that stays do without them.
 *
 * @param ssh agents and keys, as `ID=PATH` or `ID=PATH,PATH`; an ID alone is the caller's agent
 * @param project folder that relative paths start from
 * @throws Error that names each file
 */
export function refuseMissingSshFiles(ssh: readonly string[] = [], project: string): void {
    const missing = ssh.flatMap((agent) =>
        sshFilesOf(agent)
            .filter((file) => statsOf(path.resolve(project, file))?.isDirectory() ?? true)
            .map((file) => `ssh: "${agent}": key or socket ${file} does not exist; put it there or correct the path`),
    );
    if (missing.length > 0) {
        throw new Error(missing.join("\n"));
    }
}

/** None for an ID alone. */
export function sshFilesOf(agent: string): string[] {
    const paths = /=(.+)/s.exec(agent)?.[1];
    return paths === undefined ? [] : paths.split(",");
}
