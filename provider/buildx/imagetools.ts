import * as path from "node:path";
import type { BuildxEnd } from "../progress/buildError";
import { type BuildxProgram, runBuildx } from "./runBuildx";

/**
 * `buildx imagetools` to its end, which may be a failure, with its standard output. It would use a builder's configuration
 * where there is one: there is none here.
 */
export function runImagetools(buildx: BuildxProgram, words: string[]): Promise<BuildxEnd & { output: Buffer }> {
    const environment = { BUILDX_CONFIG: path.join(buildx.folder, "no-builders") };
    return runBuildx(buildx, ["imagetools", ...words], { environment });
}
