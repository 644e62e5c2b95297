import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";

export const ociLayoutPrefix = "oci-layout://";

/** An image in a layout of this machine: `oci-layout://FOLDER[:TAG][@DIGEST]`. */
export interface OciLayout {
    /** As it is written there. */
    folder: string;
    /** Chooses the image where there is no digest. @default `latest` */
    tag: string;
    /** With it the image is fixed, whatever the layout's list of images says. */
    digest?: string;
}

/** Reads a context by buildx's rules: whatever is behind the last `@` or `:` and has a digest or a word in it counts. */
export function parseOciLayout(context: string): OciLayout {
    const [rest, digest] = cut(context.slice(ociLayoutPrefix.length), "@", /[A-Za-z][A-Za-z0-9.+_-]*:[0-9A-Fa-f]{32,}/);
    const [folder, after = ""] = cut(rest, ":", /\w/);
    return { folder, tag: after || "latest", digest };
}

function cut(text: string, separator: string, what: RegExp): [string, string?] {
    const at = text.lastIndexOf(separator);
    const end = text.slice(at + 1);
    return at >= 0 && what.test(end) ? [text.slice(0, at), end] : [text];
}

/** Why buildx would refuse a layout whose folder is there, and what to write instead. */
export function ociLayoutMistake(context: string, from: string): string | undefined {
    const { folder, digest } = parseOciLayout(context);
    if (digest) {
        const isWhole = /^(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/.test(digest);
        return isWhole ? undefined : `${digest} is not a digest; write sha256: and its 64 digits, in small letters`;
    }
    return existsSync(path.resolve(from, folder, "index.json"))
        ? undefined
        : `folder ${folder} is not an OCI layout: it has no index.json; name one that has`;
}

/**
 * Hash of what an OCI layout on this machine decides: of its list of images, all of which are named there by digest.
 * Throws where there is no layout.
 */
export async function hashOciLayout(context: string, from: string): Promise<string> {
    const { folder, digest } = parseOciLayout(context);
    if (digest) {
        return digest;
    }
    const index = path.join(path.resolve(from, folder), "index.json");
    try {
        return createHash("sha256")
            .update(await fs.readFile(index))
            .digest("hex");
    } catch (error) {
        const missing = ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
        throw new Error(`${index} ${missing ? "does not exist" : `cannot be read: ${(error as Error).message}`}`);
    }
}
