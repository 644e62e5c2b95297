import { setTimeout } from "node:timers/promises";

/** Longest pauses before each further try, in seconds: half a minute in all, if half of each passes. */
const pauses = [1, 2, 4, 8, 16, 32];

/**
 * Whether a registry wants less at once. ECR takes ten manifests a second of an account, and a tag is one
 * (https://github.com/containerd/containerd/issues/10447); an `up` may push and join all its images at the same time. Docker
 * Hub's limit of pulls does not end so soon.
 */
export function wantsLess(said: string): boolean {
    return /429 Too Many Requests|toomanyrequests|rate exceeded/i.test(said) && !/pull rate limit/i.test(said);
}

interface Patience<End> {
    /** Whether it may end otherwise a little later. */
    isPassing: (end: End) => boolean;
    /** Is told of each pause. */
    onWait?: () => void;
    /** Ends a pause at once, and nothing is run after it. */
    signal: AbortSignal | undefined;
}

/** Runs something, and again after a pause where its end is one that passes. @returns the last end */
export async function patiently<End>(
    run: () => Promise<End>,
    { isPassing, onWait = () => undefined, signal }: Patience<End>,
): Promise<End> {
    for (const pause of pauses) {
        const end = await run();
        if (!isPassing(end) || signal?.aborted) {
            return end;
        }
        onWait();
        // Not all at the same moment.
        await setTimeout(Math.random() * pause * 1000, undefined, { signal }).catch(() => undefined);
        if (signal?.aborted) {
            return end;
        }
    }
    return run();
}
