import * as path from "node:path";
import type { BuildxEnd } from "../progress/buildError";
import { patiently, wantsLess } from "./patience";
import { type BuildxProgram, runBuildx } from "./runBuildx";

/** The same, again where the registry wants less at once. */
export function runImagetoolsPatiently(
    buildx: BuildxProgram,
    words: string[],
): Promise<BuildxEnd & { output: Buffer }> {
    const isPassing = ({ code, text }: BuildxEnd) => code !== 0 && wantsLess(text.join("\n"));
    return patiently(() => runImagetools(buildx, words), { isPassing, signal: buildx.signal });
}

/** Where there are no builders, and the caller's logins for single repositories. */
export function noBuildersIn(folder: string): string {
    return path.join(folder, "no-builders");
}

/**
 * `buildx imagetools` to its end, which may be a failure, with its standard output. It would use a builder's configuration
 * where there is one: there is none here.
 */
export function runImagetools(buildx: BuildxProgram, words: string[]): Promise<BuildxEnd & { output: Buffer }> {
    const environment = { BUILDX_CONFIG: noBuildersIn(buildx.folder) };
    return runBuildx(buildx, ["imagetools", ...words], { environment });
}
