import { mkdtempSync, rmSync } from "node:fs";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { isLeft, processTag } from "./liveProcess";

/** Those of this process that are still there. */
const folders = new Set<string>();

/**
 * Makes a folder among the temporary files, readable by its owner only, which may have logins in it. Where it is not removed
 * before, it goes when this process exits, or where that was killed, by `sweepTemporaryFolders` of the next.
 *
 * @param parent @default the system's folder of temporary files
 */
export function makeTemporaryFolder(parent = tmpdir()): string {
    if (folders.size === 0) {
        process.off("exit", removeAll).on("exit", removeAll);
    }
    const folder = mkdtempSync(path.join(parent, `native-buildx-${processTag()}.`));
    folders.add(folder);
    return folder;
}

export async function removeTemporaryFolder(folder: string): Promise<void> {
    await fs.rm(folder, { recursive: true, force: true });
    folders.delete(folder);
}

/**
 * Removes the folders of this user's processes that were killed.
 *
 * @param parent as above
 */
export async function sweepTemporaryFolders(parent = tmpdir()): Promise<void> {
    for (const name of await fs.readdir(parent).catch(() => [])) {
        const [, tag] = /^native-buildx-([0-9a-f]{8}-\d+-\d*)\.\w{6}$/.exec(name) ?? [];
        if (!tag) {
            continue;
        }
        const folder = path.join(parent, name);
        const found = await fs.lstat(folder).catch(() => undefined);
        if (found?.uid === process.getuid?.() && isLeft(tag, found?.mtimeMs ?? 0)) {
            await fs.rm(folder, { recursive: true, force: true }).catch(() => undefined);
        }
    }
}

/** Nothing asynchronous runs in an exit any more. */
function removeAll(): void {
    for (const folder of folders) {
        try {
            // What this process has started may still write there.
            rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
        } catch {
            // The next process removes it.
        }
    }
}
