import * as fs from "node:fs";
import { fileDigest } from "./fileDigests";
import type { IgnoreRules, Matches } from "./ignoreRules";
import { turn } from "./turn";

/** An entry of a context that buildx sends. */
export interface ContextEntry {
    /** Below the context, with slashes; bytes, because a name need not be text. */
    path: Buffer;
    type: "folder" | "file" | "link" | "pipe" | "block device" | "character device";
    /** Permission bits, with setuid, setgid and sticky. A link's are always 0777. */
    mode: number;
    /** Its content: a file's SHA-256, a link's target, a device's numbers. */
    content: Buffer;
    /** Of a file: its length in bytes, and when it was written and changed, in nanoseconds since 1970. */
    size: bigint;
    mtimeNs: bigint;
    ctimeNs: bigint;
}

const nothing = Buffer.alloc(0);
const slash = Buffer.from("/");

/**
 * Everything of a folder that buildx sends, sorted by path. As with buildx the folder itself is not part of it, links
 * are never followed, owners and times do not count, a socket is an empty file, and the folders on the way to a file
 * that an exception keeps are sent with it. Hard links are files of their own: BuildKit's cache takes them for the same.
 * Extended attributes are not looked at: buildx sends them (`user.*`), but Node cannot read them, and BuildKit, which
 * compares size and time, does not see either that only an attribute was changed.
 *
 * Throws, naming the path, for what cannot be read: buildx would send such a file empty, and say nothing.
 */
export async function contextFiles(folder: string, rules: IgnoreRules): Promise<ContextEntry[]> {
    const walk = new Walk(folder, rules);
    await walk.folder(nothing, walk.namesIn(nothing), [], []);
    return walk.entries.sort((a, b) => Buffer.compare(a.path, b.path));
}

/** An ignored folder, which is sent as soon as something in it is. */
interface Pending {
    entry: ContextEntry;
    sent: boolean;
}

/** A name in a folder and, as far as the folder itself says it, what it is. */
type Name = fs.Dirent<Buffer>;

class Walk {
    readonly entries: ContextEntry[] = [];
    private readonly root: Buffer;

    constructor(
        folder: string,
        private readonly rules: IgnoreRules,
    ) {
        this.root = Buffer.from(folder);
    }

    /** @param above the ignored folders that this folder is in */
    async folder(path: Buffer, names: Name[], matches: Matches, above: Pending[]): Promise<void> {
        for (const name of names) {
            await turn();
            const entry = path.length === 0 ? name.name : Buffer.concat([path, slash, name.name]);
            await this.entry(entry, name, matches, above);
        }
    }

    namesIn(path: Buffer): Name[] {
        return this.reading(path, () => this.read(path)) ?? [];
    }

    /** As with buildx, an ignored folder need not be readable. */
    private namesInIgnored(path: Buffer): Name[] {
        try {
            return this.read(path);
        } catch {
            return [];
        }
    }

    private read(path: Buffer): Name[] {
        return fs.readdirSync(this.absolute(path), { encoding: "buffer", withFileTypes: true });
    }

    private async entry(path: Buffer, name: Name, inFolder: Matches, above: Pending[]): Promise<void> {
        const text = path.toString("utf8");
        const { ignored, matches } = this.rules.match(text, inFolder);
        const isFolder = name.isDirectory();
        if (ignored && !(isFolder && this.rules.mayKeepInside(text))) {
            return;
        }
        const stats = this.reading(path, () => fs.lstatSync(this.absolute(path), { bigint: true }));
        if (!stats) {
            return;
        }
        if (!stats.isDirectory()) {
            const entry = await this.described(path, text, stats);
            if (entry) {
                this.keep(entry, above);
            }
            return;
        }
        const folder = entryOf(path, "folder", stats, nothing);
        if (!ignored) {
            this.keep(folder, above);
            await this.folder(path, this.namesIn(path), matches, above);
        } else {
            const pending = { entry: folder, sent: false };
            await this.folder(path, this.namesInIgnored(path), matches, [...above, pending]);
        }
    }

    private keep(entry: ContextEntry, above: Pending[]): void {
        for (const folder of above) {
            if (!folder.sent) {
                folder.sent = true;
                this.entries.push(folder.entry);
            }
        }
        this.entries.push(entry);
    }

    private async described(path: Buffer, text: string, stats: fs.BigIntStats): Promise<ContextEntry | undefined> {
        if (stats.isSymbolicLink()) {
            const target = this.reading(path, () => fs.readlinkSync(this.absolute(path), { encoding: "buffer" }));
            return target && entryOf(path, "link", stats, target);
        }
        if (stats.isFIFO()) {
            return entryOf(path, "pipe", stats, nothing);
        }
        if (stats.isBlockDevice() || stats.isCharacterDevice()) {
            const type = stats.isBlockDevice() ? "block device" : "character device";
            return entryOf(path, type, stats, Buffer.from(`${stats.rdev}`));
        }
        const empty = stats.isSocket() || stats.size === 0n || this.rules.arrivesEmpty(text);
        const digest = empty ? nothing : await this.digest(path, stats);
        return digest && entryOf(path, "file", stats, digest);
    }

    private async digest(path: Buffer, stats: fs.BigIntStats): Promise<Buffer | undefined> {
        try {
            return await fileDigest(this.absolute(path), stats);
        } catch (error) {
            return this.ifRemoved(path, error as NodeJS.ErrnoException);
        }
    }

    private absolute(path: Buffer): Buffer {
        return path.length === 0 ? this.root : Buffer.concat([this.root, slash, path]);
    }

    private reading<T>(path: Buffer, read: () => T): T | undefined {
        try {
            return read();
        } catch (error) {
            return this.ifRemoved(path, error as NodeJS.ErrnoException);
        }
    }

    /** Nothing for a path that has just been removed; throws for every other reason why it was not read. */
    private ifRemoved(path: Buffer, error: NodeJS.ErrnoException): undefined {
        if (path.length > 0 && (error.code === "ENOENT" || error.code === "ENOTDIR")) {
            return undefined;
        }
        const reason = error.code === "EACCES" ? "permission denied" : error.message;
        throw new Error(
            `${this.absolute(path)} cannot be read: ${reason}. Make it readable, or name it in the .dockerignore file.`,
        );
    }
}

function entryOf(path: Buffer, type: ContextEntry["type"], stats: fs.BigIntStats, content: Buffer): ContextEntry {
    const { size, mtimeNs, ctimeNs } = stats;
    // A link's own mode is the umask's on macOS, 0777 on Linux, and never arrives.
    const mode = type === "link" ? 0o777 : Number(stats.mode & 0o7777n);
    return { path, type, mode, content, size, mtimeNs, ctimeNs };
}
