import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import * as path from "node:path";
import { dataFolder } from "../../components/localMachine/dataFolder";
import { userDockerFolder } from "./environment";

/** Where the caller's buildx keeps its builders. */
function ownRecords(caller: NodeJS.ProcessEnv): string {
    return caller.BUILDX_CONFIG || path.join(userDockerFolder(caller), "buildx");
}

/** Where buildx keeps its builders: the caller's own folder; where that cannot be written to, a folder of ours. */
export async function recordsFolder(caller: NodeJS.ProcessEnv): Promise<string> {
    for (const folder of [ownRecords(caller), path.join(dataFolder(caller), "buildx")]) {
        if (await isWritable(folder)) {
            return path.resolve(folder);
        }
    }
    return privateFolder(path.join(tmpdir(), `native-buildx-${userInfo().uid}`));
}

/** Time after which nobody uses the builders of a stack any more that had other runners. */
const monthMs = 30 * 24 * 3600 * 1000;

/**
 * Where the builders of a stack's builds are, apart from those that are connected by hand: whoever connects to another stack of
 * the same name on this machine takes over the names, and a build would go to that stack's runners with all of its secrets.
 *
 * @param stack key of its connect script
 */
export async function stackRecords(caller: NodeJS.ProcessEnv, stack: string): Promise<string> {
    const records = await recordsFolder(caller);
    const stacks = path.join(records, "native-buildx", "stacks");
    // Of two checkouts with a cluster each, whose names they do not know, the scripts may be the same.
    const own = createHash("sha256").update(`${process.cwd()}\0${stack}`).digest("hex").slice(0, 16);
    const folder = path.join(stacks, own);
    const isNew = await fs.mkdir(folder, { recursive: true, mode: 0o700 });
    if (isNew) {
        await shareNodeId(records, folder);
        await removeUnused(stacks);
    }
    await shareLogins(caller, folder);
    await fs.utimes(folder, new Date(), new Date());
    return folder;
}

/**
 * Gives a folder of builders the caller's logins for single repositories, `config/HOST/NAME/config.json`, which buildx looks for
 * beside its builders. File by file: buildx follows no link that stands for a folder.
 */
export async function shareLogins(caller: NodeJS.ProcessEnv, folder: string): Promise<void> {
    const own = path.resolve(ownRecords(caller), "config");
    const shared = path.join(folder, "config");
    // An older version's link.
    await fs.unlink(shared).catch(() => undefined);
    const names = await loginsIn(own);
    for (const name of names) {
        await fs.mkdir(path.dirname(path.join(shared, name)), { recursive: true, mode: 0o700 });
        await fs.symlink(path.join(own, name), path.join(shared, name)).catch(() => undefined);
    }
    // One that leads nowhere would count as no login, where the registry's own is meant.
    const gone = (await loginsIn(shared)).filter((name) => !names.includes(name));
    await Promise.all(gone.map((name) => fs.rm(path.join(shared, name), { force: true })));
}

async function loginsIn(folder: string): Promise<string[]> {
    const names = await fs.readdir(folder, { recursive: true }).catch(() => []);
    return names.filter((name) => path.basename(name) === "config.json");
}

/** Gives a folder the id of this machine's buildx, by which a runner knows who has sent it a context before. */
async function shareNodeId(records: string, folder: string): Promise<void> {
    const [id, own] = [records, folder].map((place) => path.join(place, ".buildNodeID")) as [string, string];
    // As buildx would make it.
    await fs.writeFile(id, randomBytes(8).toString("hex"), { flag: "wx", mode: 0o600 }).catch(() => undefined);
    await fs.copyFile(id, own).catch(() => undefined);
}

async function removeUnused(stacks: string): Promise<void> {
    for (const name of await fs.readdir(stacks)) {
        const folder = path.join(stacks, name);
        const found = await fs.stat(folder).catch(() => undefined);
        if (found && Date.now() - found.mtimeMs > monthMs) {
            await fs.rm(folder, { recursive: true, force: true }).catch(() => undefined);
        }
    }
}

/** Makes the folder where there is none, and tries to write in it: access rights do not tell of read-only mounts. */
async function isWritable(folder: string): Promise<boolean> {
    const probe = path.join(folder, `.native-buildx-${process.pid}-${Math.random().toString(36).slice(2)}`);
    try {
        await fs.mkdir(folder, { recursive: true, mode: 0o700 });
        await fs.writeFile(probe, "");
        await fs.rm(probe);
        return true;
    } catch {
        return false;
    }
}

/** A folder in a place that everybody may write to. @throws where somebody else made it */
async function privateFolder(folder: string): Promise<string> {
    await fs.mkdir(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = await fs.lstat(folder);
    if (uid !== userInfo().uid || (mode & 0o077) !== 0) {
        throw new Error(
            `There is no place for buildx's builders: ${folder} is not this user's alone. Set BUILDX_CONFIG.`,
        );
    }
    return folder;
}
