import type { BuildxEnd } from "../progress/buildError";
import type { BuildProgress, FailedStep } from "../progress/buildProgress";
import type { RawProgress, Vertex } from "../progress/rawProgress";
import { kindOf } from "../progress/stepKind";
import { buildCommand, type ResolvedRequest } from "./buildRequest";
import { patiently, wantsLess } from "./patience";
import { type BuildxProgram, type RunOptions, runBuildx } from "./runBuildx";

/** How one run of a build's buildx has ended, and the steps that failed in it. */
interface BuildEnd {
    end: BuildxEnd;
    failures: FailedStep[];
}

/**
 * Runs buildx for a build, and again where a registry wants less pushed at once. What was built is in the cache then, so that it
 * is pushed alone, and all runs are told as one build.
 *
 * @param progress gets what the runs tell
 * @param options of each run
 * @param onWait is told that the build waits for the registry
 * @throws where buildx cannot be started
 */
export function runUntilPushed(
    buildx: BuildxProgram,
    request: ResolvedRequest,
    metadataFile: string,
    progress: BuildProgress,
    { onWait, ...options }: RunOptions & { onWait: () => void },
): Promise<BuildEnd> {
    let isFurther = false;
    const run = async (): Promise<BuildEnd> => {
        const command = buildCommand(isFurther ? { ...request, noCache: false } : request, metadataFile);
        const tell = isFurther ? withoutRepeated : (news: RawProgress) => news;
        const onProgress = (news: RawProgress) => options.onProgress?.(tell(news));
        // What failed before the first, when the Dockerfile was read, fails in it again.
        const failedBefore = isFurther ? progress.failures().length : 0;
        isFurther = true;
        const end = await runBuildx(buildx, command.words, { ...options, ...command, onProgress });
        return { end, failures: progress.failures().slice(failedBefore) };
    };
    const isPassing = ({ end, failures }: BuildEnd) => end.code !== 0 && failures.some(isRefusedPush);
    return patiently(run, { isPassing, onWait, signal: buildx.signal });
}

/** A base's registry may want less, too: its limits are of hours. */
function isRefusedPush({ name, error }: FailedStep): boolean {
    return /^exporting /.test(name) && wantsLess(error);
}

/** What a further run tells, without what it has from the cache, and without bases, of which BuildKit says so too late. */
function withoutRepeated(news: RawProgress): RawProgress {
    const isRepeated = ({ name = "", cached = false, error }: Vertex) =>
        !error && (cached || kindOf(name) === "pull" || /^\[[^\]]*\] FROM /.test(name));
    return { ...news, vertexes: news.vertexes?.filter((vertex) => !isRepeated(vertex)) };
}
