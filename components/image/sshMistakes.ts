import * as path from "node:path";
import { statsOf } from "../../provider/context/statsOf";

/** What is wrong with agents and keys, as `ID=PATH` or `ID=PATH,PATH`: files that are not there. */
export function sshMistakes(ssh: readonly string[], project: string): string[] {
    return ssh.flatMap((agent) =>
        pathsOf(agent)
            .filter((file) => statsOf(path.resolve(project, file))?.isDirectory() ?? true)
            .map((file) => {
                const remedy = file.startsWith("~") ? "write the whole path, buildx knows no ~" : "correct the path";
                return `"${agent}": key or socket ${file} does not exist; ${remedy}`;
            }),
    );
}

/** None for an ID alone, which is the caller's agent. */
function pathsOf(agent: string): string[] {
    const paths = /=(.+)/s.exec(agent)?.[1];
    return paths === undefined ? [] : paths.split(",");
}
