import { createHash } from "node:crypto";
import * as fs from "node:fs";
import type { FileState } from "./digestLog";
import { DigestStore } from "./digestStore";
import { turn } from "./turn";

/** Read in this process, by device and inode. */
const known = new Map<string, FileState & { digest: Buffer }>();

/** What earlier processes read. */
let store: DigestStore | undefined;

/** From now on digests are also kept in files on this machine, this one and its like, and those in them are not computed again. */
export function keepDigestsIn(file: string): void {
    store = new DigestStore(file);
}

const buffer = Buffer.allocUnsafe(1 << 20);

/**
 * Nanoseconds before which a file must have been left alone for its digest to be remembered: two writes in one tick of
 * the kernel's clock (at most 10 ms) have the same ctime.
 */
const settled = 50_000_000n;

/**
 * SHA-256 of a regular file's content. A file that has been read before and that has not been touched since is not read
 * again: nobody can set a file's ctime back. Never follows a link, never waits for a pipe.
 */
export async function fileDigest(path: Buffer, stats: fs.BigIntStats): Promise<Buffer> {
    const key = `${stats.dev}:${stats.ino}`;
    const before = known.get(key);
    const remembered = before && same(before, stats) ? before.digest : store?.digestOf(stats);
    if (remembered) {
        return remembered;
    }
    const started = BigInt(Date.now()) * 1_000_000n;
    const file = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    try {
        const digest = await contentDigest(file);
        const after = fs.fstatSync(file, { bigint: true });
        if (same(after, stats) && after.ctimeNs + settled < started) {
            const { size, mtimeNs, ctimeNs } = after;
            known.set(key, { size, mtimeNs, ctimeNs, digest });
            store?.add(path, after, digest, started);
        }
        return digest;
    } finally {
        fs.closeSync(file);
    }
}

function same(a: FileState, b: FileState): boolean {
    return a.ctimeNs === b.ctimeNs && a.mtimeNs === b.mtimeNs && a.size === b.size;
}

async function contentDigest(file: number): Promise<Buffer> {
    const hash = createHash("sha256");
    for (;;) {
        // Read at once and not by a stream: for a small file the way through Node's threads takes longer than its bytes.
        const length = fs.readSync(file, buffer, 0, buffer.length, null);
        if (length === 0) {
            return hash.digest();
        }
        hash.update(buffer.subarray(0, length));
        await turn();
    }
}
