import { execFile } from "node:child_process";
import * as path from "node:path";
import { promisify } from "node:util";
import { contextKind } from "../context/contextKind";
import type { RemoteVersions } from "../context/remoteLooks";

const run = promisify(execFile);

/**
 * Labels that name the commit of an image's context (https://github.com/opencontainers/image-spec/blob/main/annotations.md):
 * of the folder's repository, or of the repository that is the context. None where there is no commit, or where a server did
 * not say it.
 * @param seen the commits of contexts in git, by their addresses
 */
export async function sourceLabels(
    context: string,
    project: string,
    seen: RemoteVersions["commits"],
): Promise<{ [label: string]: string }> {
    const revision = "org.opencontainers.image.revision";
    const kind = contextKind(context, project, false);
    if (kind === "git") {
        const commit = seen[context];
        return commit ? { [revision]: commit } : {};
    }
    if (kind !== "folder") {
        return {};
    }
    try {
        const [commit = "", time = ""] = await newestCommit(path.resolve(project, context));
        return { [revision]: commit, "org.opencontainers.image.created": time };
    } catch {
        // There is no git, no repository, or no commit yet.
        return {};
    }
}

/**
 * Commit and time of a folder's repository, also where it is another user's, as in a CI job's container. Such a repository's
 * configuration may name programs: the command runs none of them, and asks no server.
 */
async function newestCommit(folder: string): Promise<string[]> {
    const options = ["-C", folder, "-c", "safe.directory=*"];
    // Without variables that lead elsewhere, as a hook has them.
    const caller = Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_"));
    const { stdout } = await run("git", [...options, "rev-list", "--max-count=1", "--format=%H %cI", "HEAD"], {
        env: { ...Object.fromEntries(caller), GIT_ALLOW_PROTOCOL: "none" },
    });
    return stdout.trim().split("\n").at(-1)?.split(" ") ?? [];
}
