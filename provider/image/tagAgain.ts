import type { Here } from "../process/here";
import { movedAmong, shortly, type Tagged } from "./registryLook";

/**
 * After an update that has failed, or was canceled: tags that it had taken already lead to what was there before again. The state
 * goes on saying that they do, and nothing would ever be done about it if the next `up` wants what was there before. Where this
 * fails, the failure of before is told.
 */
export async function tagAgain({ logins }: Here, taken: string[], before: Tagged | undefined): Promise<void> {
    const tags = before?.tags.filter((tag) => taken.includes(tag)) ?? [];
    if (!before || tags.length === 0) {
        return;
    }
    const giveBack = shortly(tags, logins, async (buildx) => {
        const moved = await movedAmong(buildx, tags, before.digest);
        if (moved.length > 0) {
            await buildx.tag(before.ref, moved);
        }
    });
    await giveBack.catch(() => undefined);
}
