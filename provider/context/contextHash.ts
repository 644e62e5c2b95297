import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { type ContextEntry, contextFiles } from "./contextFiles";
import { ownIgnoreFile } from "./dockerfile";
import { IgnoreRules } from "./ignoreRules";
import { readInRoot } from "./rootedFile";

export interface FolderOptions {
    /**
     * The main context's Dockerfile, as `locateDockerfile` says where it is: an ignore file of its own goes before the
     * context's. @default none, as for a named context
     */
    dockerfile?: string;
}

/**
 * Digest of what buildx would send of a folder, by the ignore file it would use.
 * Throws for a missing folder, a bad ignore file, and files that cannot be read.
 */
export async function hashFolder(folder: string, options: FolderOptions): Promise<string> {
    return digestOf(await sentFiles(folder, options));
}

/** SHA-256 of all that arrives on the runner, in hex. The same on every machine and in every checkout. */
export function digestOf(entries: readonly ContextEntry[]): string {
    const hash = createHash("sha256");
    for (const { path, type, mode, content } of entries) {
        // Lengths first: no two lists of entries read the same.
        hash.update(`${type} ${mode.toString(8)} ${path.length} ${content.length}\n`);
        hash.update(path);
        hash.update(content);
    }
    return hash.digest("hex");
}

/**
 * What buildx would send of a folder. Throws as `hashFolder` does. Calls for the same folder at the same time (two platforms
 * of an image) share the answer.
 */
export async function sentFiles(folder: string, options: FolderOptions): Promise<readonly ContextEntry[]> {
    const key = JSON.stringify([path.resolve(folder), options.dockerfile && path.resolve(options.dockerfile)]);
    const running = beingRead.get(key) ?? readSentFiles(folder, options).finally(() => beingRead.delete(key));
    beingRead.set(key, running);
    return running;
}

const beingRead = new Map<string, Promise<readonly ContextEntry[]>>();

/** The same, by a new look at the folder. */
export async function readSentFiles(folder: string, { dockerfile }: FolderOptions): Promise<ContextEntry[]> {
    await checkFolder(folder);
    const own = dockerfile === undefined ? undefined : await ownIgnoreFile(dockerfile);
    const rules = own
        ? IgnoreRules.parse(own, `${dockerfile}.dockerignore`)
        : IgnoreRules.parse(readInRoot(folder, ".dockerignore"), path.join(folder, ".dockerignore"));
    // Links to the folder itself are followed; BuildKit never sees them.
    return contextFiles(await fs.realpath(folder), rules);
}

async function checkFolder(folder: string): Promise<void> {
    let isFolder: boolean;
    try {
        isFolder = (await fs.stat(folder)).isDirectory();
    } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        const missing = code === "ENOENT" || code === "ENOTDIR";
        throw new Error(missing ? `folder ${folder} does not exist` : `folder ${folder} cannot be read: ${message}`);
    }
    if (!isFolder) {
        throw new Error(`${folder} is not a folder`);
    }
}
