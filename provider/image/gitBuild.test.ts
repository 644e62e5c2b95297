import type { BuildRequest } from "../buildx/buildRequest";
import { BuildFailure, type BuildResult } from "../buildx/runBuild";
import { atCommits } from "./gitBuild";

const commit = "1".repeat(40);
const address = "https://git.example/app.git#main";
const [byReference, byCommit] = [
    `https://git.example/app.git?checksum=${commit}#main`,
    `https://git.example/app.git#${commit}`,
];
const request: BuildRequest = {
    builder: "b",
    platform: "linux/arm64",
    context: address,
    contexts: { lib: address, unseen: "https://git.example/other.git", base: { "linux/arm64": "docker-image://r/b" } },
    tags: ["r/a:1"],
};

/** The main contexts of the builds that were tried, of which the first fails. */
async function tried(message: string): Promise<string[]> {
    const contexts: string[] = [];
    const build = async (one: BuildRequest) => {
        contexts.push(one.context);
        expect(one.contexts).toEqual({ ...request.contexts, lib: one.context });
        if (contexts.length === 1) {
            throw new BuildFailure(message, false);
        }
        return {} as BuildResult;
    };
    await atCommits(request, { [address]: commit }, build).catch((error: Error) => expect(error.message).toBe(message));
    return contexts;
}

test.each([
    ["whose reference leads elsewhere", `expected checksum to match ${commit}, got 22`],
    [
        "whose Dockerfile names an old frontend",
        "current frontend does not support Git URLs with query string components. Git URLs with query string are ...",
    ],
    [
        "whose buildx is old too",
        `failed to fetch remote https://git.example/app.git?checksum=${commit}: exit status 128`,
    ],
])("a repository %s is built by its commit", async (_what, message) => {
    expect(await tried(message)).toEqual([byReference, byCommit]);
});

test.each(["process did not complete successfully: exit code: 1", `RUN echo ${commit} failed`])(
    "another failure is one, and not built again: %s",
    async (message) => {
        expect(await tried(message)).toEqual([byReference]);
    },
);
