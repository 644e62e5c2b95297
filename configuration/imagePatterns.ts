import { readdirSync } from "node:fs";
import * as path from "node:path";
import { knownPlatforms } from "../components/architecture";
import { forArchitecture } from "../components/image/buildInputs";
import { contextKind } from "../provider/context/contextKind";
import { locateDockerfile } from "../provider/context/dockerfile";
import { statsOf } from "../provider/context/statsOf";
import type { ImageDraft } from "./images";

/** What is written under a pattern, a key of setting `images` such as `services/*`: an image for each folder. */
export interface ImagePattern {
    pattern: string;
    /** What all of them have; `{name}` in its texts is the image's name. */
    image: ImageDraft;
}

/** A folder that a pattern leads to. */
export interface FolderImage {
    /** What stands for `*` in the folder's path. */
    name: string;
    folder: string;
    /** With the folder as its context, unless the pattern says another. */
    image: ImageDraft;
}

/** No image is called so: no repository's name has a `*`. */
export function isPattern(key: string): boolean {
    return key.includes("*");
}

/**
 * An image for each folder that a pattern leads to and that has its Dockerfile, by name. A base that is among them is not
 * its own.
 *
 * @param project folder that the pattern starts from
 */
export function folderImages({ pattern, image }: ImagePattern, project: string): FolderImage[] {
    return foldersOf(pattern, project)
        .map(({ name, folder }) => {
            const own = named({ context: folder, ...image }, name);
            return { name, folder, image: withoutBase(own, name) };
        })
        .filter(({ image }) => hasDockerfile(image, project));
}

/** What is wrong with a pattern that leads to nothing. */
export function noFolderMistake({ pattern, image }: ImagePattern): string {
    if (pattern.split("*").length > 2) {
        return "there may be one *, which becomes the image's name";
    }
    const files = knownPlatforms.map((platform) => {
        const { context = pattern.replace("*", "{name}"), dockerfile } = { ...image, ...image.overrides?.[platform] };
        return dockerfile ?? `${context}/Dockerfile`;
    });
    return `no folder has its Dockerfile, ${[...new Set(files)].join(" or ")}; create one or correct the pattern`;
}

/** The folders below the project whose path is the pattern, with any name for `*`. As in a shell, that has no first dot. */
function foldersOf(pattern: string, project: string): { name: string; folder: string }[] {
    const [front = "", back = "", ...more] = pattern.split("*");
    if (more.length > 0) {
        return [];
    }
    const parent = front.slice(0, front.lastIndexOf("/") + 1);
    const before = front.slice(parent.length);
    const [after = ""] = back.split("/");
    const rest = back.slice(after.length);
    return foldersIn(path.resolve(project, parent))
        .filter((entry) => entry.length > before.length + after.length)
        .filter((entry) => entry.startsWith(before) && entry.endsWith(after) && !entry.startsWith("."))
        .sort()
        .map((entry) => ({
            name: entry.slice(before.length, entry.length - after.length),
            folder: path.normalize(`${parent}${entry}${rest}`).replace(/\/$/, ""),
        }));
}

function foldersIn(folder: string): string[] {
    return isFolder(folder) ? readdirSync(folder).filter((entry) => isFolder(path.join(folder, entry))) : [];
}

/** Links to folders are. */
function isFolder(file: string): boolean {
    return statsOf(file)?.isDirectory() ?? false;
}

/** The same with the name in place of `{name}`, in every text. */
function named<T>(value: T, name: string): T {
    if (typeof value === "string") {
        return value.replaceAll("{name}", name) as T;
    }
    if (Array.isArray(value)) {
        return value.map((item) => named(item, name)) as T;
    }
    return typeof value === "object" && value !== null
        ? (Object.fromEntries(Object.entries(value).map(([key, item]) => [key, named(item, name)])) as T)
        : value;
}

function withoutBase({ bases, ...image }: ImageDraft, name: string): ImageDraft {
    return bases ? { ...image, bases: bases.filter((base) => base !== name) } : image;
}

/** Whether there is something to build, for one platform at least. What is not on this machine has its Dockerfile with it. */
function hasDockerfile(image: ImageDraft, project: string): boolean {
    return knownPlatforms.some((platform) => {
        const { context = "", dockerfile } = { ...image, ...image.overrides?.[platform] };
        const here = (text: string) => forArchitecture(text, platform);
        if (contextKind(here(context), project, false) !== "folder") {
            return true;
        }
        const folder = path.resolve(project, here(context));
        const file = locateDockerfile(folder, dockerfile && path.resolve(project, here(dockerfile)));
        // A folder of this name may be a part of the source.
        return statsOf(file)?.isDirectory() === false;
    });
}
