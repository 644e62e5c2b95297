import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { isAlive, processTag } from "./liveProcess";

/** Those of this process that are still there. */
const folders = new Set<string>();

/** Milliseconds after which a folder is left over whose process cannot be asked for. */
const day = 24 * 3600 * 1000;

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
    const folder = mkdtempSync(path.join(parent, `native-buildx-${realm()}-${processTag()}.`));
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
        const [, place, tag] = /^native-buildx-([0-9a-f]{8})-(\d+-\d*)\.\w{6}$/.exec(name) ?? [];
        if (!tag) {
            continue;
        }
        const folder = path.join(parent, name);
        const found = await fs.lstat(folder).catch(() => undefined);
        if (found?.uid !== process.getuid?.()) {
            continue;
        }
        const isLeft = place === realm() ? !isAlive(tag) : Date.now() - (found?.mtimeMs ?? 0) > day;
        if (isLeft) {
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

/** Where process ids mean the same: containers, or machines, may share a folder of temporary files. */
function realm(): string {
    const parts = [
        () => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"),
        () => readlinkSync("/proc/self/ns/pid"),
    ];
    const known = parts.map((read) => {
        try {
            return read();
        } catch {
            return "";
        }
    });
    return createHash("sha256").update(known.join()).digest("hex").slice(0, 8);
}
