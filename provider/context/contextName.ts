import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import type { ContextEntry } from "./contextFiles";
import { type FolderOptions, readSentFiles, sentFiles } from "./contextHash";
import { type ContextSlot, oneBuildFolder, sweepSlots, takeSlot } from "./contextSlot";
import { SentIndex } from "./sentIndex";

/*
 * BuildKit keeps a copy of a context on the runner and asks only for files whose size or time of writing differ from it
 * (moby/buildkit#4950). Which copy, says the base name of the folder. So two folders of one name share a copy, and an
 * edit that changes neither size nor time is not seen. Both are mended from here: buildx is handed a link with a name
 * that nobody else has, and another name as soon as the comparison would mislead.
 */

export interface NameOptions extends FolderOptions {
    /** Folder of this machine, the user's own, for the links and for what was sent under their names. */
    store: string;
    /** The builder whose runner has the copy. */
    builder: string;
    /**
     * Whose context it is: the image's name and, of a named context, the context's. Images that take different files of
     * one folder would undo each other's copy.
     */
    use: string;
}

export interface NamedContext {
    /** To be handed to buildx in place of the folder. */
    path: string;
    /**
     * To be called when buildx has ended.
     * @param arrived whether the context was sent to its end: the build succeeded, or failed later, in a step. If not,
     * what the runner has is not relied on, and the next build sends everything.
     * @returns what buildx would send now; undefined where it did not arrive or cannot be read any more
     */
    done(arrived: boolean): Promise<ContextEntry[] | undefined>;
}

/** Versions that the index of a name may have for each file that is there; then a new name, so that it does not grow for ever. */
const versionsPerFile = 10;

/**
 * Gives a context its name for one build. It is the same name as last time, so that only what changed is sent. It is a
 * new name, and the whole context is sent, for a context that is new, whose last build ended nobody knows how, or with a
 * file that BuildKit would take for an older one. A build that finds the context in use by another build has a name to
 * itself.
 */
export async function nameContext(folder: string, options: NameOptions): Promise<NamedContext> {
    const real = await fs.realpath(folder);
    await sweepSlots(options.store);
    const slot = await takeSlot(options.store, [real, options.builder, options.use]);
    if (!slot) {
        return nameForOneBuild(real, options);
    }
    try {
        // Looked at once more than in the check, which may be long ago, and again when it was built: what is edited meanwhile
        // may be on the runner under the size and time of what was seen.
        const before = await sentFiles(real, options);
        const { name, index } = await linkFor(slot, real, before);
        await index.add(before);
        await slot.setName(name);
        return {
            path: path.join(slot.folder, name),
            async done(arrived) {
                const after = await filesAfter(arrived, real, options);
                if (after) {
                    await addChanged(index, before, after);
                } else {
                    await slot.clear();
                }
                await slot.release();
                return after;
            },
        };
    } catch (error) {
        await slot.release();
        throw error;
    }
}

/** The link of the slot's name, or of a new name, and what has been sent under it. */
async function linkFor(slot: ContextSlot, folder: string, entries: readonly ContextEntry[]) {
    const last =
        slot.name && (await SentIndex.open(path.join(slot.folder, `${slot.name}.sent`)).catch(() => undefined));
    if (slot.name && last && last.size <= versionsPerFile * (entries.length + 100) && !last.misleads(entries)) {
        return { name: slot.name, index: last };
    }
    await slot.clear();
    const name = newName();
    const index = await SentIndex.create(path.join(slot.folder, `${name}.sent`));
    await fs.symlink(folder, path.join(slot.folder, name));
    return { name, index };
}

function newName(): string {
    return randomBytes(16).toString("hex");
}

/** A build can have read a file before it was edited, while it was edited, or after. */
async function addChanged(
    index: SentIndex,
    before: readonly ContextEntry[],
    after: readonly ContextEntry[],
): Promise<void> {
    const stillThere = new Map(after.map((entry) => [stateOf(entry), entry]));
    const gone = before.filter((entry) => !stillThere.delete(stateOf(entry)));
    const [written, put] = partition([...stillThere.values()], wasWritten);
    await index.add(written);
    await index.addUncertain([...gone, ...put]);
}

function stateOf({ path, size, mtimeNs, content }: ContextEntry): string {
    return [size, mtimeNs, path.toString("base64"), content.toString("base64")].join(" ");
}

/**
 * Whether a file has its time because it was written then, give or take the renaming of a saved file. Otherwise somebody
 * has set the time, and other content can have had the same a moment ago.
 */
function wasWritten({ mtimeNs, ctimeNs }: ContextEntry): boolean {
    return ctimeNs >= mtimeNs && ctimeNs - mtimeNs < 2_000_000_000n;
}

function partition<T>(all: readonly T[], holds: (item: T) => boolean): [T[], T[]] {
    return [all.filter(holds), all.filter((item) => !holds(item))];
}

async function nameForOneBuild(folder: string, options: NameOptions): Promise<NamedContext> {
    const own = await oneBuildFolder(options.store);
    const link = path.join(own, newName());
    await fs.symlink(folder, link);
    return {
        path: link,
        async done(arrived) {
            await fs.rm(own, { recursive: true, force: true });
            return filesAfter(arrived, folder, options);
        },
    };
}

/** A look of its own: one that another build has begun may have passed a file before this build read it. */
async function filesAfter(
    arrived: boolean,
    folder: string,
    options: FolderOptions,
): Promise<ContextEntry[] | undefined> {
    return arrived ? readSentFiles(folder, options).catch(() => undefined) : undefined;
}
