import { mkdtemp, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { type BuildxProgram, runBuildx } from "./runBuildx";

const dockerfile = ["FROM scratch", "ARG BUILDPLATFORM", "WORKDIR /$BUILDPLATFORM", ""].join("\n");

/**
 * What BUILDPLATFORM is on a builder that is awake: a runner may emulate the platform that it builds. buildx does not show
 * it, so an empty image is built, and its step says it.
 *
 * @returns `platform` where the builder does not answer: the build that follows says why
 */
export async function buildPlatformOf(buildx: BuildxProgram, builder: string, platform: string): Promise<string> {
    const folder = await mkdtemp(path.join(buildx.folder, "build-platform-"));
    await writeFile(path.join(folder, "Dockerfile"), dockerfile);
    const words = [`--builder=${builder}`, `--platform=${platform}`, "--provenance=false", "--output=type=cacheonly"];
    let found = platform;
    await runBuildx(buildx, ["build", ...words, "--progress=rawjson", folder], {
        onProgress: ({ vertexes = [] }) => {
            for (const { name } of vertexes) {
                found = /\] WORKDIR \/(\S+)$/.exec(name)?.[1] ?? found;
            }
        },
    });
    return found;
}
