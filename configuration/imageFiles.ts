import { statSync } from "node:fs";
import * as path from "node:path";
import { architectures, knownPlatforms, type Platform } from "../components/architecture";
import { pathText } from "../components/settings/mistakes";
import { contextKind, localFolderOf } from "./contextKind";
import type { ImageDraft } from "./images";

/** What an image lacks on this machine: folders and Dockerfiles, each as one line. */
export function fileMistakes(
    name: string,
    image: ImageDraft,
    platforms: readonly Platform[],
    project: string,
): string[] {
    const mistakesFor = (platform: Platform) => platformMistakes(name, image, platform, project);
    if (platforms.length > 0) {
        return [...new Set(platforms.flatMap(mistakesFor))];
    }
    // Which platforms are meant is a mistake of its own; here is what is missing whichever they are.
    const [first = [], ...others] = knownPlatforms.map(mistakesFor);
    return first.filter((mistake) => others.every((other) => other.includes(mistake)));
}

function platformMistakes(name: string, image: ImageDraft, platform: Platform, project: string): string[] {
    const own = { ...image, ...image.overrides?.[platform] };
    const contexts = { ...image.contexts, ...image.overrides?.[platform]?.contexts };
    const at = (...keys: string[]) => pathText(["images", name, ...keys]);
    const here = (text: string) => text.replaceAll("{arch}", architectures[platform].suffix);
    return [
        ...(own.context === undefined
            ? [`${at("context")}: missing; write the folder of the build context, relative to the project`]
            : contextMistakes(at, here(own.context), own.dockerfile && here(own.dockerfile), project)),
        ...Object.entries(contexts).flatMap(([context, location]) =>
            namedContextMistakes(at("contexts", context), here(location), project),
        ),
    ];
}

function contextMistakes(
    at: (...keys: string[]) => string,
    context: string,
    dockerfile: string | undefined,
    project: string,
): string[] {
    const kind = contextKind(context);
    if (kind === "image" || kind === "layout") {
        return [`${at("context")}: ${context} can only be a named context; write it in key contexts`];
    }
    if (kind !== "folder") {
        // Its Dockerfile is in it.
        return [];
    }
    const mistake = folderMistake(context, project);
    if (mistake) {
        return [`${at("context")}: ${mistake}`];
    }
    const file = dockerfile ?? path.join(context, "Dockerfile");
    return isFile(path.resolve(project, file))
        ? []
        : [`${at("dockerfile")}: file ${file} does not exist; create it or name another`];
}

function namedContextMistakes(at: string, location: string, project: string): string[] {
    const folder = localFolderOf(location);
    const mistake = folder === undefined ? undefined : folderMistake(folder, project);
    return mistake ? [`${at}: ${mistake}`] : [];
}

function folderMistake(folder: string, project: string): string | undefined {
    const stats = statSync(path.resolve(project, folder), { throwIfNoEntry: false });
    if (stats?.isDirectory()) {
        return undefined;
    }
    return stats
        ? `${folder} is no folder; name the folder that it is in`
        : `folder ${folder} does not exist; create it or correct the path${hint(folder)}`;
}

function isFile(file: string): boolean {
    return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** The example's contexts are made, not committed. */
function hint(context: string): string {
    return context.startsWith("examples/encoder/") ? ", or make the example's inputs: examples/encoder/prepare.sh" : "";
}
