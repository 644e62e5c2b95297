import { readFile, stat } from "node:fs/promises";
import * as path from "node:path";
import { dockerfileCommand, type ResolvedRequest } from "./buildRequest";
import { type BuildxProgram, runBuildx } from "./runBuildx";

/**
 * The text of a build's Dockerfile, wherever it is. Undefined where it cannot be read: the build that follows says why.
 *
 * @param folder folder that local paths of the request are relative to
 */
export async function readDockerfile(
    buildx: BuildxProgram,
    request: ResolvedRequest,
    folder = ".",
): Promise<string | undefined> {
    const { context, dockerfile = path.join(context, "Dockerfile") } = request;
    const isFolder = await stat(path.resolve(folder, context)).then(
        (found) => found.isDirectory(),
        () => false,
    );
    // In a git repository a path is one of the repository's.
    return isFolder || path.isAbsolute(dockerfile)
        ? readFile(path.resolve(folder, dockerfile), "utf8").catch(() => undefined)
        : remoteDockerfile(buildx, request, folder);
}

/** By the runner, which gets the repository for the build anyway. */
async function remoteDockerfile(
    buildx: BuildxProgram,
    request: ResolvedRequest,
    folder: string,
): Promise<string | undefined> {
    const { words, environment } = dockerfileCommand(request);
    const { code, output } = await runBuildx(buildx, words, { folder, environment });
    const [text] = code === 0 ? sourcesOf(output.toString("utf8")) : [];
    return text && Buffer.from(text, "base64").toString("utf8");
}

/** None from a frontend that does not know the question. */
function sourcesOf(answer: string): string[] {
    try {
        return (JSON.parse(answer) as { sources?: string[] }).sources ?? [];
    } catch {
        return [];
    }
}
