import { sshFilesOf } from "../../provider/image/sshFiles";

/** What is wrong with agents and keys, wherever they are used. Whether a file is there, the build says. */
export function sshMistakes(ssh: readonly string[]): string[] {
    return ssh.flatMap((agent) =>
        sshFilesOf(agent)
            .filter((file) => file.startsWith("~/"))
            .map((file) => `"${agent}": buildx knows no ~, as in ${file}; write the whole path`),
    );
}
