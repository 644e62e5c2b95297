import { type Found, withBuildx } from "../buildx/buildx";

/** A refresh must not depend on the registry. */
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
    const found = await lookInRegistry(outputs.tags);
    const movedTags = outputs.tags.filter((_tag, at) => found[at] !== outputs.digest && found[at] !== "unknown");
    const { movedTags: _, ...rest } = outputs;
    if (movedTags.length === 0) {
        return rest as T;
    }
    const [itself] = await lookInRegistry([outputs.ref]);
    return itself === "none" ? undefined : { ...outputs, movedTags };
}

/** What the registry has under these references, for a refresh: without a login, which no state has. */
async function lookInRegistry(references: string[]): Promise<Found[]> {
    const signal = AbortSignal.timeout(seconds * 1000);
    const find = withBuildx({ logins: [], references, signal }, (buildx) =>
        Promise.all(references.map((reference) => buildx.find(reference))),
    );
    return find.catch(() => references.map((): Found => "unknown"));
}
