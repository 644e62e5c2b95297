import * as path from "node:path";
import { isReference } from "../image/reference";
import { hasLogin, withoutLogins } from "../withoutLogins";
import { isGitContext, parseGitContext } from "./gitContext";
import { ociLayoutMistake, ociLayoutPrefix, parseOciLayout } from "./ociLayout";
import { statsOf } from "./statsOf";

/** Only folders and layouts are on this machine. */
export type ContextKind = "folder" | "git" | "http" | "image" | "oci-layout";

/** Of a named context that is an image, before its reference. */
export const imagePrefix = "docker-image://";

/**
 * What buildx takes a context for. Whatever is nothing else is a folder, which need not exist: `contextMistake` says what is
 * wrong with it.
 *
 * @param from folder that a relative path starts from
 * @param named whether it is a named context: a main one is a folder wherever there is a folder of that name, and only a
 * named one can be an image or an OCI layout
 */
export function contextKind(context: string, from: string, named: boolean): ContextKind {
    if (!named && statsOf(path.resolve(from, context))?.isDirectory()) {
        return "folder";
    }
    if (isGitContext(context)) {
        return "git";
    }
    if (/^https?:\/\//.test(context)) {
        return "http";
    }
    if (named && context.startsWith(imagePrefix)) {
        return "image";
    }
    return named && context.startsWith(ociLayoutPrefix) ? "oci-layout" : "folder";
}

/**
 * Why buildx, or BuildKit behind it, would refuse a context, and what to write instead; undefined for one that they take.
 * They would take an address with a login, and keep that. The parameters are those of `contextKind`.
 */
export function contextMistake(context: string, from: string, named: boolean): string | undefined {
    switch (contextKind(context, from, named)) {
        case "folder":
            return folderMistake(context, from, context, named);
        case "oci-layout":
            return (
                folderMistake(context, from, parseOciLayout(context).folder, named) ?? ociLayoutMistake(context, from)
            );
        case "git":
            return (
                loginMistake(context, gitSecrets) ??
                (named ? namedGitMistake(context, from) : undefined) ??
                gitMistake(context)
            );
        case "image":
            return imageMistake(context);
        case "http":
            return loginMistake(context, archiveSecrets) ?? urlMistake(context);
    }
}

/** Secrets of BuildKit's own names. */
const gitSecrets = "GIT_AUTH_TOKEN.HOST or GIT_AUTH_HEADER.HOST";
const archiveSecrets = "HTTP_AUTH_TOKEN_HOST or HTTP_AUTH_HEADER_HOST";

/** The runner's history, the process list and the state would have it too. */
function loginMistake(context: string, secrets: string): string | undefined {
    if (!hasLogin(context)) {
        return undefined;
    }
    const remedy = /^ssh:/i.test(context)
        ? "write ssh://USER@HOST/PATH, and give ssh a key"
        : `leave it out, and have it in secret ${secrets}, named in secrets`;
    return `${withoutLogins(context)}: the login in it would be attested in the image's provenance; ${remedy}`;
}

function urlMistake(context: string): string | undefined {
    return URL.canParse(context)
        ? undefined
        : `${withoutLogins(context)} is no URL; write https://HOST/PATH, with a host of letters, digits, "." and "-", and ` +
              "behind it :PORT only up to 65535";
}

function imageMistake(context: string): string | undefined {
    return isReference(context.slice(imagePrefix.length))
        ? undefined
        : `${withoutLogins(context)} names no image; write ${imagePrefix}HOST/NAME:TAG, or @sha256:DIGEST, with NAME in small letters`;
}

function gitMistake(context: string): string | undefined {
    try {
        parseGitContext(context);
        return undefined;
    } catch (error) {
        return (error as Error).message;
    }
}

/** The forms that BuildKit knows for a named context are fewer than for a main one. */
function namedGitMistake(context: string, from: string): string | undefined {
    if (/^(git@|git:|https?:)/.test(context)) {
        return undefined;
    }
    const folder = statsOf(path.resolve(from, context))?.isDirectory() ? `; for the folder write ./${context}` : "";
    return (
        `git repository ${withoutLogins(context)}: as a named context BuildKit takes https://HOST/PATH.git, ` +
        `git@HOST:PATH and git://HOST/PATH only, in small letters${folder}`
    );
}

function folderMistake(context: string, from: string, folder: string, named: boolean): string | undefined {
    const stats = statsOf(path.resolve(from, folder));
    if (stats?.isDirectory()) {
        return undefined;
    }
    return stats
        ? `${folder} is not a folder; name the folder that it is in`
        : ((folder === context ? addressMistake(context, named) : undefined) ??
              `folder ${folder} does not exist; create it or correct the path`);
}

/** The mistake of a context that looks like an address, but not to buildx. */
function addressMistake(context: string, named: boolean): string | undefined {
    if (!named && /^(docker-image:\/\/|oci-layout:\/\/|target:)/.test(context)) {
        return `${withoutLogins(context)} can only be a named context; write it in contexts`;
    }
    if (context.startsWith("target:")) {
        return `${context}: only docker buildx bake knows targets; name an image that is built already, docker-image://REF`;
    }
    // Without a scheme, as some write an address.
    if (/^[^/@:]+:[^/]*@/.test(context) && hasLogin(`://${context}`)) {
        return loginMistake(`https://${context}`, gitSecrets);
    }
    const shown = withoutLogins(context);
    if (/^(https?|docker-image|oci-layout):\/\//i.test(context)) {
        return `${shown}: buildx takes this only with ${context.replace(/:.*$/s, "").toLowerCase()}:// in small letters`;
    }
    if (/^[^/@:]+@[A-Za-z0-9.-]+:/.test(context)) {
        const instead = named ? "git@HOST:PATH" : "ssh://USER@HOST/PATH";
        return `${shown}: in USER@HOST:PATH buildx takes letters, digits, "-" and "_" for a user only; write ${instead}`;
    }
    const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.exec(context)?.[0];
    return scheme && `${shown}: buildx knows no ${scheme}; write https://HOST/PATH.git, git@HOST:PATH or a folder`;
}
