import { existsSync, statSync } from "node:fs";
import * as path from "node:path";
import { contextKind, contextMistake } from "../../provider/context/contextKind";
import { locateDockerfile } from "../../provider/context/dockerfile";
import { architectures, knownPlatforms, type Platform } from "../architecture";
import type { ImageDraft, Mistake, OtherImage } from "./imageMistakes";

/** What is wrong with contexts and Dockerfiles: what buildx would not find on this machine, or would refuse. */
export function contextMistakes(image: ImageDraft, platforms: readonly Platform[], project: string): Mistake[] {
    const mistakesFor = (platform: Platform) => platformMistakes(image, platform, project);
    if (platforms.length > 0) {
        return unique(platforms.flatMap(mistakesFor));
    }
    // Which platforms are meant is a mistake of its own; here is what is missing whichever they are.
    const [first = [], ...others] = knownPlatforms.map(mistakesFor);
    return first.filter((mistake) => others.every((other) => other.some((one) => isSame(one, mistake))));
}

function isSame(one: Mistake, other: Mistake): boolean {
    return one.what === other.what && one.at.join() === other.at.join();
}

function unique(mistakes: Mistake[]): Mistake[] {
    return mistakes.filter((mistake, at) => mistakes.findIndex((other) => isSame(other, mistake)) === at);
}

function platformMistakes(image: ImageDraft, platform: Platform, project: string): Mistake[] {
    const own = { ...image, ...image.overrides?.[platform] };
    const contexts = { ...image.contexts, ...image.overrides?.[platform]?.contexts };
    const here = (text: string) => text.replaceAll("{arch}", architectures[platform].suffix);
    return [
        ...(own.context
            ? mainMistakes(here(own.context), own.dockerfile && here(own.dockerfile), project)
            : [{ at: ["context"], what: "missing; write the folder of the build context, relative to the project" }]),
        ...Object.entries(contexts).flatMap(([name, source]) =>
            typeof source === "string" && source
                ? told(["contexts", name], contextMistake(here(source), project, true))
                : told(["contexts", name], otherImageMistake(source, platform)),
        ),
    ];
}

function mainMistakes(context: string, dockerfile: string | undefined, project: string): Mistake[] {
    const mistake = contextMistake(context, project, false);
    const hasDockerfile = contextKind(context, project, false) !== "folder" && !path.isAbsolute(dockerfile ?? "");
    if (mistake || hasDockerfile) {
        return told(["context"], mistake);
    }
    const file = dockerfile ?? path.join(context, "Dockerfile");
    const found = locateDockerfile(path.resolve(project, context), path.resolve(project, file));
    const isFile = existsSync(found) && statSync(found).isFile();
    return told(["dockerfile"], isFile ? undefined : `file ${file} does not exist; create it or name another`);
}

function otherImageMistake(source: unknown, platform: Platform): string | undefined {
    return typeof source === "object" && source !== null && "platforms" in source
        ? baseMistake(source as OtherImage, platform)
        : `must be a folder, a URL, docker-image://REF or another image, not ${JSON.stringify(source) ?? "nothing"}`;
}

/** What is wrong with another image as a base for this platform. */
export function baseMistake(base: OtherImage, platform: Platform): string | undefined {
    return base.platforms.includes(platform) ? undefined : `is not built for ${platform}; add that to its platforms`;
}

function told(at: string[], what: string | undefined): Mistake[] {
    return what ? [{ at, what }] : [];
}
