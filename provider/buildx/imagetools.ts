import * as path from "node:path";
import { setTimeout } from "node:timers/promises";
import type { BuildxEnd } from "../progress/buildError";
import { type BuildxProgram, runBuildx } from "./runBuildx";

/** Longest pauses before each further try, in seconds: half a minute in all, if half of each passes. */
const pauses = [1, 2, 4, 8, 16, 32];

/**
 * The same, again where the registry wants less at once. ECR takes ten manifests a second of an account, and a tag is one
 * (https://github.com/containerd/containerd/issues/10447); an `up` may join all its images at the same time. Docker Hub's limit
 * of pulls does not end so soon.
 */
export async function runImagetoolsPatiently(
    buildx: BuildxProgram,
    words: string[],
): Promise<BuildxEnd & { output: Buffer }> {
    for (const pause of pauses) {
        const end = await runImagetools(buildx, words);
        const text = end.text.join("\n");
        const isPassing = /429 Too Many Requests|toomanyrequests/i.test(text) && !/pull rate limit/i.test(text);
        if (end.code === 0 || !isPassing || buildx.signal?.aborted) {
            return end;
        }
        // Not all at the same moment.
        await setTimeout(Math.random() * pause * 1000, undefined, { signal: buildx.signal }).catch(() => undefined);
    }
    return runImagetools(buildx, words);
}

/**
 * `buildx imagetools` to its end, which may be a failure, with its standard output. It would use a builder's configuration
 * where there is one: there is none here.
 */
export function runImagetools(buildx: BuildxProgram, words: string[]): Promise<BuildxEnd & { output: Buffer }> {
    const environment = { BUILDX_CONFIG: path.join(buildx.folder, "no-builders") };
    return runBuildx(buildx, ["imagetools", ...words], { environment });
}
