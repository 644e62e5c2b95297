import type { RegistryLogin } from "../../components/registry/registryLogin";
import { type Buildx, withBuildx } from "../buildx/buildx";

/** Neither a refresh nor the end of a run may depend on the registry. */
const seconds = 10;

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

/** The same with the tags that lead elsewhere now. Undefined: it is gone. Where the registry does not answer, nothing has changed. */
export async function lookAgain<T extends Tagged>(outputs: T): Promise<T | undefined> {
    const { tags, digest, ref } = outputs;
    // Without a login, which no state has.
    const movedTags = await shortly(tags, undefined, (buildx) => movedAmong(buildx, tags, digest)).catch(() => []);
    const { movedTags: _, ...rest } = outputs;
    if (movedTags.length === 0) {
        return rest as T;
    }
    const itself = await shortly([ref], undefined, (buildx) => buildx.find(ref)).catch(() => "unknown");
    return itself === "none" ? undefined : { ...outputs, movedTags };
}

/** Those of the tags that lead elsewhere than to this digest, as far as the registry answers. */
async function movedAmong(buildx: Buildx, tags: string[], digest: string): Promise<string[]> {
    const found = await Promise.all(tags.map((tag) => buildx.find(tag)));
    return tags.filter((_tag, at) => found[at] !== digest && found[at] !== "unknown");
}

/** Asks, or tells, the registry something that does not take long. */
export function shortly<T>(
    references: string[],
    logins: RegistryLogin[] | undefined,
    run: (buildx: Buildx) => Promise<T>,
): Promise<T> {
    const signal = AbortSignal.timeout(seconds * 1000);
    return withBuildx({ logins: logins ?? [], references, signal }, run);
}
