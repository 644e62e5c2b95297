import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { isLeft, processTag } from "../process/liveProcess";

/** What this machine knows of a context on a runner. One build at a time holds it. */
export interface ContextSlot {
    readonly folder: string;
    /** The name under which the context was last sent; undefined when that is not to be relied on. */
    readonly name: string | undefined;
    /** Sets the name under which the context is sent from now on, and that it was used now. */
    setName(name: string): Promise<void>;
    /** Removes the name and all that was kept with it. */
    clear(): Promise<void>;
    /** Gives the slot back. A slot that is not given back, because its process was killed or it cannot be, loses its name. */
    release(): Promise<void>;
}

/** Days after which a context that nobody builds is forgotten. */
const daysKept = 30;
/** Milliseconds after which a claim is written anew, and after which one counts as left whose process cannot be seen. */
const renewedAfter = 60_000;
const leftAfter = 10 * renewedAfter;

/**
 * Takes the slot of a context; undefined when another build has it.
 * @param store folder of all slots
 * @param identity what tells contexts apart
 */
export async function takeSlot(store: string, identity: readonly string[]): Promise<ContextSlot | undefined> {
    const key = createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 32);
    const folder = path.join(store, key);
    await fs.mkdir(folder, { recursive: true, mode: 0o700 });
    if (!(await claimed(folder)) && !(await inherited(folder))) {
        return undefined;
    }
    const nameFile = path.join(folder, "name");
    const claim = path.join(folder, "claim");
    const renewal = setInterval(
        () => fs.utimes(claim, new Date(), new Date()).catch(() => undefined),
        renewedAfter,
    ).unref();
    return {
        folder,
        name: await text(nameFile),
        setName: (name) => fs.writeFile(nameFile, name),
        clear: () => clear(folder),
        release: () => {
            clearInterval(renewal);
            return fs.rm(claim, { force: true }).catch(() => undefined);
        },
    };
}

async function clear(folder: string): Promise<void> {
    // First, and without a file to open: nobody relies on the rest without the name, should it not go.
    await fs.rm(path.join(folder, "name"), { force: true });
    for (const file of await fs.readdir(folder)) {
        if (!file.startsWith("claim")) {
            await fs.rm(path.join(folder, file), { force: true });
        }
    }
}

/** Takes over from a killed build. If two try, both may get it: both clear it, and their names differ. */
async function inherited(folder: string): Promise<boolean> {
    if ((await holderOf(folder)) !== "gone") {
        return false;
    }
    await clear(folder);
    await fs.rm(path.join(folder, "claim"), { force: true });
    return claimed(folder);
}

/** Whether the build that holds a slot runs; undefined where none holds it. */
async function holderOf(folder: string, now?: number): Promise<"alive" | "gone" | undefined> {
    const claim = path.join(folder, "claim");
    const tag = await text(claim);
    const written = await writtenAt(claim);
    if (tag === undefined || written === undefined) {
        return undefined;
    }
    return isLeft(tag, written, now, leftAfter) ? "gone" : "alive";
}

/** In milliseconds; undefined where it is not there. */
async function writtenAt(file: string): Promise<number | undefined> {
    return fs.stat(file).then(
        ({ mtimeMs }) => mtimeMs,
        () => undefined,
    );
}

async function claimed(folder: string): Promise<boolean> {
    const claim = path.join(folder, "claim");
    try {
        // Written elsewhere first, so that nobody sees a claim without its holder.
        const own = `${claim}.${randomBytes(8).toString("hex")}`;
        await fs.writeFile(own, processTag());
        await fs.link(own, claim).finally(() => fs.rm(own, { force: true }));
        return true;
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") {
            return false;
        }
        throw error;
    }
}

async function text(file: string): Promise<string | undefined> {
    return fs.readFile(file, "utf8").catch(() => undefined);
}

/** A folder for the link of one build; `sweepSlots` removes it should the build not. */
export async function oneBuildFolder(store: string): Promise<string> {
    const folder = path.join(store, `${processTag()}.${randomBytes(4).toString("hex")}`);
    await fs.mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
}

/** Removes the slots of contexts that have not been built for long, and the folders of builds that were killed. */
export async function sweepSlots(store: string, now = Date.now()): Promise<void> {
    for (const key of await fs.readdir(store).catch(() => [])) {
        const folder = path.join(store, key);
        const [process, build] = key.split(".") as [string, string?];
        const gone = build ? isLeft(process, (await writtenAt(folder)) ?? now, now) : await isForgotten(folder, now);
        if (gone) {
            await fs.rm(folder, { recursive: true, force: true });
        }
    }
}

async function isForgotten(folder: string, now: number): Promise<boolean> {
    if ((await holderOf(folder, now)) === "alive") {
        return false;
    }
    const used = (await writtenAt(path.join(folder, "name"))) ?? (await writtenAt(folder));
    return used !== undefined && now - used > daysKept * 24 * 3600 * 1000;
}
