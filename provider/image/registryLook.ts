import pLimit from "p-limit";
import type { RegistryLogin } from "../../components/registry/registryLogin";
import { type Buildx, withBuildx } from "../buildx/buildx";
import { Warnings } from "../progress/warnings";
import type { Work } from "../resource";
import { registryOf } from "./reference";

/** Limit of a look, from its turn on: neither a refresh nor the end of a run may depend on the registry. */
const seconds = 10;
/** Looks at a time. A refresh asks for all images at once, and each look runs buildx for every tag. */
const atOnce = 8;
const turns = pLimit(atOnce);
/** By registry: how many looks it has left without an answer, one after the other. */
const silences = new Map<string, number>();
const warnings = new Warnings();

/** What was pushed, and under which tags. */
export interface Tagged {
    /** Full references that it has. */
    tags: string[];
    digest: string;
    /** `repo:tag@sha256:...`, under the first tag. */
    ref: string;
    /** Tags that a refresh found to lead elsewhere. */
    movedTags?: string[];
}

/** Names what a refresh found to be otherwise than it was left. */
export function changedSince({ movedTags = [] }: Pick<Tagged, "movedTags">): string[] {
    return movedTags.length > 0 ? ["movedTags"] : [];
}

/**
 * The same with the tags that lead elsewhere now. Undefined: it is gone. Where the registry does not answer, nothing has changed,
 * which a run says once where it took too long.
 */
export async function lookAgain<T extends Tagged>(outputs: T, work: Pick<Work, "log">): Promise<T | undefined> {
    const { tags, digest, ref } = outputs;
    // Without a login, which no state has.
    const look = { onSilence: (registry: string) => warnings.sayOnce("", [silence(registry)], work) };
    const movedTags = await shortly(tags, look, (buildx) => movedAmong(buildx, tags, digest)).catch(() => []);
    const { movedTags: _, ...rest } = outputs;
    if (movedTags.length === 0) {
        return rest as T;
    }
    const itself = await shortly([ref], look, (buildx) => buildx.find(ref)).catch(() => "unknown");
    return itself === "none" ? undefined : { ...outputs, movedTags };
}

/** Those of the tags that lead elsewhere than to this digest, as far as the registry answers. */
async function movedAmong(buildx: Buildx, tags: string[], digest: string): Promise<string[]> {
    const found = await Promise.all(tags.map((tag) => buildx.find(tag)));
    return tags.filter((_tag, at) => found[at] !== digest && found[at] !== "unknown");
}

/** The same for all registries and images. */
function silence(registry: string) {
    const text =
        `registry ${registry} did not answer within ${seconds} s. Tags of this image, and perhaps of others, may lead elsewhere ` +
        "without this refresh having seen it: run it again";
    return { key: "silence", text };
}

interface Look {
    logins?: RegistryLogin[] | undefined;
    /** Is told where the limit ended it, or where it was not begun because that was so for many before. */
    onSilence?: (registry: string) => void;
}

/** Asks, or tells, the registry something that does not take long, in its turn. */
export function shortly<T>(
    references: string[],
    { logins = [], onSilence = () => undefined }: Look,
    run: (buildx: Buildx) => Promise<T>,
): Promise<T> {
    const registry = registryOf(references[0] ?? "");
    return turns(async () => {
        const unanswered = () => silences.get(registry) ?? 0;
        if (unanswered() >= atOnce) {
            onSilence(registry);
            throw new Error(`registry ${registry} does not answer`);
        }
        const signal = AbortSignal.timeout(seconds * 1000);
        try {
            return await withBuildx({ logins, references, signal }, run);
        } finally {
            silences.set(registry, signal.aborted ? unanswered() + 1 : 0);
            if (signal.aborted) {
                onSilence(registry);
            }
        }
    });
}
