import { withBuildx } from "../buildx/buildx";
import type { Here } from "../process/here";
import type { Tagged } from "./registryLook";

const seconds = 10;

/**
 * After an update that has failed, or was canceled: tags that it had taken already lead to what was there before again. The state
 * goes on saying that they do, and nothing would ever be done about it if the next `up` wants what was there before. Where this
 * fails, the failure of before is told.
 */
export async function tagAgain({ login }: Here, taken: string[], before: Tagged | undefined): Promise<void> {
    const references = before?.tags.filter((tag) => taken.includes(tag)) ?? [];
    if (!before || references.length === 0) {
        return;
    }
    // Also after Ctrl-C, but not for long.
    const options = { logins: login ? [login] : [], references, signal: AbortSignal.timeout(seconds * 1000) };
    await withBuildx(options, async (buildx) => {
        const found = await Promise.all(references.map((tag) => buildx.find(tag)));
        const moved = references.filter((_tag, at) => found[at] !== before.digest && found[at] !== "unknown");
        if (moved.length > 0) {
            await buildx.tag(before.ref, moved);
        }
    }).catch(() => undefined);
}
