import * as fs from "node:fs/promises";
import type { ContextEntry } from "./contextFiles";

/** A version of a file that may be on the runner, of which nobody can say what is in it. */
const uncertain = "?";

/**
 * What may have been sent under one name: of every version of every file, by path, size and time of writing, which is
 * what BuildKit compares, its content. A log, so that an edit costs a line: versions are added and never removed,
 * because the runner can have several copies of a context, also older ones.
 */
export class SentIndex {
    private constructor(
        private readonly file: string,
        private readonly contents: Map<string, string>,
    ) {}

    /** The index in a file, which must exist. */
    static async open(file: string): Promise<SentIndex> {
        const contents = new Map<string, string>();
        for (const line of (await fs.readFile(file, "latin1")).split("\n")) {
            const [version, content] = line.split("\t");
            if (version && content) {
                contents.set(version, content);
            }
        }
        return new SentIndex(file, contents);
    }

    static async create(file: string): Promise<SentIndex> {
        await fs.writeFile(file, "");
        return new SentIndex(file, new Map());
    }

    /** Number of versions. */
    get size(): number {
        return this.contents.size;
    }

    /** Whether BuildKit would take a file of these for another one that it has, and so not ask for it. */
    misleads(entries: readonly ContextEntry[]): boolean {
        return entries.some((entry) => {
            const content = this.contents.get(versionOf(entry));
            return content !== undefined && content !== contentOf(entry);
        });
    }

    /** To be awaited before the entries are sent. */
    async add(entries: readonly ContextEntry[]): Promise<void> {
        await this.append(entries.map((entry) => [versionOf(entry), contentOf(entry)]));
    }

    /** Versions that may have been sent with another content than theirs. */
    async addUncertain(entries: readonly ContextEntry[]): Promise<void> {
        await this.append(entries.map((entry) => [versionOf(entry), uncertain]));
    }

    private async append(versions: [string, string][]): Promise<void> {
        const added = versions.filter(([version, content]) => this.contents.get(version) !== content);
        for (const [version, content] of added) {
            this.contents.set(version, content);
        }
        const lines = added.map(([version, content]) => `${version}\t${content}\n`);
        if (lines.length > 0) {
            await fs.appendFile(this.file, lines.join(""), "latin1");
        }
    }
}

function versionOf({ path, size, mtimeNs }: ContextEntry): string {
    return `${size} ${mtimeNs} ${path.toString("base64")}`;
}

function contentOf({ content }: ContextEntry): string {
    return content.toString("base64");
}
