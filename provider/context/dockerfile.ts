import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { contextKind } from "./contextKind";
import { statsOf } from "./statsOf";

/**
 * Where the Dockerfile of a local context is: as buildx looks for it, so `dockerfile` counts where there is no
 * `Dockerfile`. The path need not exist.
 * @param dockerfile its path, from the current folder as for buildx's `--file`; by default in the context
 */
export function locateDockerfile(context: string, dockerfile?: string): string {
    const file = dockerfile ?? path.join(context, "Dockerfile");
    if (path.basename(file) !== "Dockerfile" || existsSync(file)) {
        return file;
    }
    const folder = path.dirname(file);
    // A link that leads nowhere goes before a file in small letters, too.
    const names = statsOf(folder)?.isDirectory() ? readdirSync(folder) : [];
    return !names.includes("Dockerfile") && names.includes("dockerfile") ? path.join(folder, "dockerfile") : file;
}

/**
 * The Dockerfile, if it is a file of this machine: with a context elsewhere, a path that is not absolute is one of the
 * repository's or archive's. The file need not exist.
 * @param folder that relative paths start from
 */
export function dockerfileOf(
    { context, dockerfile }: { context: string; dockerfile?: string },
    folder: string,
): string | undefined {
    const isHere = contextKind(context, folder, false) === "folder";
    if (!isHere && !path.isAbsolute(dockerfile ?? "")) {
        return undefined;
    }
    const file = dockerfile === undefined ? undefined : path.resolve(folder, dockerfile);
    return locateDockerfile(path.resolve(folder, context), file);
}

/** The text of a Dockerfile. Undefined where it cannot be read: `hashDockerfile` says why. */
export function dockerfileText(file: string): string | undefined {
    try {
        return readFileSync(file, "utf8");
    } catch {
        return undefined;
    }
}

/** Files that belong to a Dockerfile: what their names append to the Dockerfile's. */
const companions = {
    /** Goes before the context's `.dockerignore`. */
    ignoreFile: ".dockerignore",
    /** buildx's source policy: it can refuse a `FROM`, or send it elsewhere. */
    policy: ".rego",
};

/** The ignore file that belongs to a Dockerfile, or undefined where it has none. */
export function ownIgnoreFile(dockerfile: string): Promise<Buffer | undefined> {
    return contentOf(dockerfile + companions.ignoreFile);
}

/**
 * Hash of what a build takes from a Dockerfile, wherever it is and whatever links lead to it. It leaves out the ignore file,
 * whose effect is in the hash of the context.
 * Throws, naming the path, when it cannot be read.
 */
export async function hashDockerfile(dockerfile: string): Promise<string> {
    const hash = createHash("sha256");
    hash.update(
        createHash("sha256")
            .update(await dockerfileContent(dockerfile))
            .digest(),
    );
    hash.update((await contentOf(dockerfile + companions.policy)) ?? "");
    return hash.digest("hex");
}

/**
 * Copies a Dockerfile and what belongs to it into a folder, as files of their own: buildx does not follow a link that
 * leads out of the Dockerfile's folder.
 * @param target an existing folder, of this Dockerfile alone
 * @returns what to hand to buildx's `--file`; it finds the copied ignore file beside it
 */
export async function stageDockerfile(dockerfile: string, target: string): Promise<string> {
    const staged = path.join(target, path.basename(dockerfile));
    await fs.writeFile(staged, await dockerfileContent(dockerfile));
    for (const suffix of Object.values(companions)) {
        const content = await contentOf(dockerfile + suffix);
        if (content) {
            // A frontend that is an image cannot tell an empty file from none, and would take the context's.
            await fs.writeFile(staged + suffix, content.length > 0 ? content : "\n");
        }
    }
    return staged;
}

async function dockerfileContent(file: string): Promise<Buffer> {
    try {
        return await fs.readFile(file);
    } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        const reasons: { [code: string]: string } = {
            ENOENT: "there is no such file",
            ENOTDIR: "there is no such file",
            EISDIR: "it is a folder",
            EACCES: "permission denied",
            ELOOP: "its link leads to itself",
        };
        throw new Error(`Dockerfile ${file} cannot be read: ${reasons[code ?? ""] ?? message}`);
    }
}

/** Content of a file that need not be there; as with BuildKit, what cannot be read as one is not there. */
async function contentOf(file: string): Promise<Buffer | undefined> {
    return fs.readFile(file).catch(() => undefined);
}
