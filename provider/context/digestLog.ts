import * as fs from "node:fs";
import * as path from "node:path";

/** The facts that show that a file was not written since. */
export interface FileState {
    size: bigint;
    mtimeNs: bigint;
    ctimeNs: bigint;
}

export type Identified = FileState & { dev: bigint; ino: bigint };

/**
 * Nanoseconds for which a file must have been left alone. A program that writes through a mapping changes the ctime at its
 * first write only, until the kernel has written the page to the disk: Linux does after 35 s.
 */
const settled = 60_000_000_000n;

/**
 * Types of file systems (statfs(2)) whose ctime this machine's own kernel sets at every write: ext2 to ext4, XFS, Btrfs.
 * On others, such as NFS, what `stat` says may be older than the content.
 */
const trusted = new Set([0xef53, 0x5846_5342, 0x9123_683e]);

export function hasTrustedTimes(file: Buffer | string): boolean {
    return trusted.has(fs.statfsSync(file).type >>> 0);
}

/** Bytes after which a log begins anew, because it only grows: some 500,000 files. */
const largest = 64 << 20;

/**
 * Digests of files in a file of lines: state, digest. Each begins with its newline: what an interrupted write left spoils no
 * other. Without it everything is only slower.
 */
export class DigestLog {
    private known: Map<string, string> | undefined;
    private readonly isTrusted = new Map<bigint, boolean>();
    private added: string[] = [];

    constructor(private readonly file: string) {}

    digestOf(stats: Identified): Buffer | undefined {
        this.known ??= readDigests(this.file);
        const digest = this.known.get(stateOf(stats));
        return digest === undefined ? undefined : Buffer.from(digest, "hex");
    }

    /** @param now nanoseconds since 1970 when the file began to be read */
    add(file: Buffer, stats: Identified, digest: Buffer, now: bigint): void {
        if (stats.ctimeNs + settled > now || !this.trusts(file, stats.dev)) {
            return;
        }
        if (this.added.length === 0) {
            setImmediate(() => this.write());
        }
        this.added.push(`\n${stateOf(stats)} ${digest.toString("hex")}`);
    }

    private trusts(file: Buffer, device: bigint): boolean {
        const answer = this.isTrusted.get(device) ?? hasTrustedTimes(file);
        this.isTrusted.set(device, answer);
        return answer;
    }

    private write(): void {
        const lines = this.added.splice(0).join("");
        try {
            fs.mkdirSync(path.dirname(this.file), { recursive: true, mode: 0o700 });
            fs.appendFileSync(this.file, lines, { mode: 0o600 });
        } catch {
            // A full or read-only disk.
        }
    }
}

/** Digests in hex by state. */
function readDigests(file: string): Map<string, string> {
    const digests = new Map<string, string>();
    try {
        if (fs.statSync(file).size > largest) {
            fs.rmSync(file);
            return digests;
        }
        for (const line of fs.readFileSync(file, "latin1").split("\n")) {
            const [, state, digest] = /^((?:\d+ ){4}\d+) ([0-9a-f]{64})$/.exec(line) ?? [];
            if (state && digest) {
                digests.set(state, digest);
            }
        }
    } catch {
        // There is none yet, or it cannot be read.
    }
    return digests;
}

function stateOf({ dev, ino, size, mtimeNs, ctimeNs }: Identified): string {
    return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
}
