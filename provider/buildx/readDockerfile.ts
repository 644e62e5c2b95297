import { dockerfileOf, dockerfileText } from "../context/dockerfile";
import { dockerfileCommand, type ResolvedRequest } from "./buildRequest";
import { type BuildxProgram, type RunOptions, runBuildx } from "./runBuildx";

/**
 * The text of a build's Dockerfile, wherever it is. Undefined where it cannot be read: the build that follows says why.
 *
 * @param options local paths of the request are relative to its folder
 */
export async function readDockerfile(
    buildx: BuildxProgram,
    request: ResolvedRequest,
    options: Pick<RunOptions, "folder" | "onProgress"> = {},
): Promise<string | undefined> {
    const file = dockerfileOf(request, options.folder ?? ".");
    return file === undefined ? remoteDockerfile(buildx, request, options) : dockerfileText(file);
}

/** By the runner, which gets the repository for the build anyway. */
async function remoteDockerfile(
    buildx: BuildxProgram,
    request: ResolvedRequest,
    options: RunOptions,
): Promise<string | undefined> {
    const { words, environment } = dockerfileCommand(request);
    const { code, output } = await runBuildx(buildx, words, { ...options, environment });
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
