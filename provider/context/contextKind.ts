import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { parseGitContext, withoutPassword } from "./gitContext";

export type ContextKind = "folder" | "git" | "http" | "image" | "oci-layout" | "target";

/**
 * What buildx takes a context for.
 * @param from folder that a relative path starts from
 * @param named whether it is a named context: a main one is a folder wherever there is a folder of that name, and only a
 * named one can be an image, an OCI layout or a target
 * Throws for the address of a git repository that BuildKit refuses.
 */
export function kindOf(context: string, from: string, named: boolean): ContextKind {
    if (!named && isFolder(path.resolve(from, context))) {
        return "folder";
    }
    if (parseGitContext(context)) {
        if (named) {
            checkNamedGit(context);
        }
        return "git";
    }
    if (/^https?:\/\//.test(context)) {
        return "http";
    }
    if (named && context.startsWith("docker-image://")) {
        return "image";
    }
    if (named && context.startsWith("target:")) {
        return "target";
    }
    return named && context.startsWith(ociLayout) ? "oci-layout" : "folder";
}

/** The forms that BuildKit knows for a named context are fewer than for a main one. */
function checkNamedGit(context: string): void {
    if (!/^(git@|git:|https?:)/.test(context)) {
        throw new Error(
            `git repository ${withoutPassword(context)}: as a named context BuildKit takes https://HOST/PATH.git, ` +
                "git@HOST:PATH and git://HOST/PATH only, in small letters",
        );
    }
}

function isFolder(folder: string): boolean {
    return statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

const ociLayout = "oci-layout://";

/** The folder of context `oci-layout://FOLDER[:TAG][@DIGEST]`, as it is written there. */
export function ociLayoutFolder(context: string): string {
    return context
        .slice(ociLayout.length)
        .replace(/@[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/, "")
        .replace(/:\w[\w.-]{0,127}$/, "");
}

/**
 * Hash of an OCI layout: of its list of images, all of which are named there by digest.
 * Throws where there is no layout.
 */
export async function hashOciLayout(context: string, from: string): Promise<string> {
    const index = path.join(path.resolve(from, ociLayoutFolder(context)), "index.json");
    try {
        return createHash("sha256")
            .update(await fs.readFile(index))
            .digest("hex");
    } catch (error) {
        const missing = ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
        throw new Error(`${index} ${missing ? "does not exist" : `cannot be read: ${(error as Error).message}`}`);
    }
}
