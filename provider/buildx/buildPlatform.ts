import { mkdtemp, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { type BuildxProgram, runBuildx } from "./runBuildx";

const dockerfile = ["FROM scratch", "ARG BUILDPLATFORM", "WORKDIR /$BUILDPLATFORM", ""].join("\n");

/**
 * The BUILDPLATFORM of a builder that is awake: a runner may emulate the platform that it builds. buildx does not show it,
 * so an empty image is built whose step names it.
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
            for (const { name = "" } of vertexes) {
                found = /\] WORKDIR \/(\S+)$/.exec(name)?.[1] ?? found;
            }
        },
    });
    return found;
}
