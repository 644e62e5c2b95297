import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import type { ContextEntry } from "./contextFiles";
import { type FolderOptions, readSentFiles, sentFiles } from "./contextHash";
import { type ContextSlot, oneBuildFolder, sweepSlots, takeSlot } from "./contextSlot";
import { SentIndex } from "./sentIndex";

/*
 * BuildKit keeps a copy of a context on the runner, and asks only for files whose size or time of writing differs from it
 * (moby/buildkit#4950). The base name of the folder decides which copy that is. So two folders of one name share a copy, and
 * an edit that changes neither size nor time is not seen. Against both, buildx gets a link with a unique name in place of
 * the folder, and a new name as soon as the comparison would mislead.
 */

export interface NameOptions extends FolderOptions {
    /** Folder of this machine, the user's own, for the links and for what was sent under their names. */
    store: string;
    /** The builder whose runner has the copy. */
    builder: string;
    /**
     * Whose context it is: the name of the image and, for a named context, the name of the context. Images that take
     * different files of one folder would otherwise undo each other's copy.
     */
    use: string;
}

export interface NamedContext {
    /** To be handed to buildx in place of the folder. */
    path: string;
    /**
     * To be called when buildx has ended. What cannot be written down, as on a full disk, is no failure of the build: the
     * next one sends everything.
     * @param arrived whether the context was sent to its end: the build succeeded, or failed later, in a step. If not,
     * what the runner has is not relied on, and the next build sends everything.
     * @returns what buildx would send now; undefined where it did not arrive or cannot be read any more
     */
    done(arrived: boolean): Promise<ContextEntry[] | undefined>;
}

/** Versions in the index of a name, for each file that exists, after which a new name is taken: the index may not grow for ever. */
const versionsPerFile = 10;

/**
 * Gives a context its name for one build: the same name as last time, so that only what changed is sent. A new name, so that
 * the whole context is sent, gets a context that is new, whose last build ended in an unknown way, or that has a file which
 * BuildKit would take for an older version. If another build uses the context, this build gets a name of its own.
 */
export async function nameContext(folder: string, options: NameOptions): Promise<NamedContext> {
    const real = await fs.realpath(folder);
    await sweepSlots(options.store);
    const slot = await takeSlot(options.store, [real, options.builder, options.use]);
    if (!slot) {
        return nameForOneBuild(real, options);
    }
    try {
        // Looked at here, because the check may be long ago, and again after the build: what is edited meanwhile may be on
        // the runner with the size and time that were seen.
        const before = await sentFiles(real, options);
        const { name, index } = await linkFor(slot, real, before);
        await index.add(before);
        await slot.setName(name);
        return {
            path: path.join(slot.folder, name),
            async done(arrived) {
                const after = await filesAfter(arrived, real, options);
                const kept = after ? addChanged(index, before, after) : slot.clear();
                await kept.catch(() => slot.clear()).catch(() => undefined);
                await slot.release();
                return after;
            },
        };
    } catch (error) {
        await slot.release();
        throw error;
    }
}

/** The link with the slot's name, or with a new name, and the index of what was sent under it. */
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
 * Whether a file was really written at its time, or renamed shortly after. Otherwise somebody has set the time, and other
 * content may have had the same time a moment ago.
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
            // Otherwise `sweepSlots` removes it some day.
            await fs.rm(own, { recursive: true, force: true }).catch(() => undefined);
            return filesAfter(arrived, folder, options);
        },
    };
}

/** A new look: the look of another build may have passed a file before this build read it. */
async function filesAfter(
    arrived: boolean,
    folder: string,
    options: FolderOptions,
): Promise<ContextEntry[] | undefined> {
    return arrived ? readSentFiles(folder, options).catch(() => undefined) : undefined;
}
