import type { BuildRequest } from "../buildx/buildRequest";
import { BuildFailure, type BuildResult } from "../buildx/runBuild";
import type { RemoteVersions } from "../context/remoteLooks";
import { addressAtCommit, addressOfCommit } from "../context/seenCommit";

/**
 * Builds with contexts in git at the commits that were seen: by their references, which costs no history, and where those
 * have moved on, or the Dockerfile's frontend is too old for such an address, by the commits alone.
 */
export async function atCommits(
    request: BuildRequest,
    seen: RemoteVersions["commits"],
    build: (request: BuildRequest) => Promise<BuildResult>,
): Promise<BuildResult> {
    try {
        return await build(withAddresses(request, seen, addressAtCommit));
    } catch (error) {
        if (error instanceof BuildFailure && isOfReference(error.message, Object.values(seen))) {
            return build(withAddresses(request, seen, addressOfCommit));
        }
        throw error;
    }
}

function withAddresses(
    request: BuildRequest,
    seen: RemoteVersions["commits"],
    addressFor: (address: string, commit: string) => string,
): BuildRequest {
    const pinned = (source: string) => {
        const commit = seen[source];
        return commit ? addressFor(source, commit) : source;
    };
    return {
        ...request,
        context: pinned(request.context),
        contexts: Object.fromEntries(
            Object.entries(request.contexts ?? {}).map(([name, source]) => [
                name,
                typeof source === "string" ? pinned(source) : source,
            ]),
        ),
    };
}

/** Whether BuildKit, buildx or a frontend refused an address with a checksum. */
function isOfReference(message: string, commits: string[]): boolean {
    return (
        /Git URLs with query string|frontend\.gitquerystring/.test(message) ||
        commits.some((commit) => message.includes(`match ${commit}`) || message.includes(`checksum=${commit}`))
    );
}
