import type { Buildx } from "../buildx/buildx";
import type { Here } from "../process/here";
import { shortly, type Tagged } from "./registryLook";

/**
 * After an update that has failed, or was canceled: tags that it had taken already lead to what was there before again. The state
 * goes on saying that they do, and nothing would ever be done about it if the next `up` wants what was there before. A tag that
 * leads elsewhere than to what this update pushed was moved, or deleted, by somebody else, who will have had a reason. Where this
 * fails, the failure of before is told.
 *
 * @param pushedBy gives the digests that this update has pushed, or may have
 */
export async function tagAgain(
    { logins }: Here,
    taken: string[],
    before: Tagged | undefined,
    pushedBy: (buildx: Buildx) => Promise<string[]>,
): Promise<void> {
    const tags = before?.tags.filter((tag) => taken.includes(tag)) ?? [];
    if (!before || tags.length === 0) {
        return;
    }
    const giveBack = shortly(tags, { logins }, async (buildx) => {
        const pushed = (await pushedBy(buildx)).filter((digest) => digest !== before.digest);
        const moved = pushed.length > 0 ? await leadingTo(buildx, tags, pushed) : [];
        if (moved.length > 0) {
            await buildx.tag(before.ref, moved);
        }
    });
    await giveBack.catch(() => undefined);
}

async function leadingTo(buildx: Buildx, tags: string[], digests: string[]): Promise<string[]> {
    const found = await Promise.all(tags.map((tag) => buildx.find(tag)));
    return tags.filter((_tag, at) => digests.includes(found[at] ?? ""));
}
