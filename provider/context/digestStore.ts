import * as fs from "node:fs";
import * as path from "node:path";

/** The facts that show that a file was not written since. */
export interface FileState {
    size: bigint;
    mtimeNs: bigint;
    ctimeNs: bigint;
}

type Identified = FileState & { dev: bigint; ino: bigint };

/** Bytes of a file that is small. */
const small = 65_536n;

/** So many small files are read as fast as the store is: only those after them are kept. */
const fewSmall = 1000;

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

/** Bytes after which the store begins anew, because it only grows: more than 200,000 files. */
const largest = 32 << 20;

/**
 * Digests of files, kept between processes, so that an `up` of a large context that has not changed need not read
 * it. A log of lines: state, digest. Each begins with its newline: what an interrupted write left spoils no other.
 * Without the store everything is only slower.
 */
export class DigestStore {
    private known: Map<string, string> | undefined;
    private readonly isTrusted = new Map<bigint, boolean>();
    private added: string[] = [];
    private smallFiles = 0;

    constructor(private readonly file: string) {}

    digestOf(stats: Identified): Buffer | undefined {
        if (stats.size < small) {
            this.smallFiles += 1;
        }
        if (!this.keeps(stats)) {
            return undefined;
        }
        this.known ??= readDigests(this.file);
        const digest = this.known.get(stateOf(stats));
        return digest === undefined ? undefined : Buffer.from(digest, "hex");
    }

    /** @param now nanoseconds since 1970 when the file began to be read */
    add(file: Buffer, stats: Identified, digest: Buffer, now: bigint): void {
        if (!this.keeps(stats) || stats.ctimeNs + settled > now || !this.trusts(file, stats.dev)) {
            return;
        }
        if (this.added.length === 0) {
            setImmediate(() => this.write());
        }
        this.added.push(`\n${stateOf(stats)} ${digest.toString("hex")}`);
    }

    private keeps({ size }: Identified): boolean {
        return size >= small || this.smallFiles > fewSmall;
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
