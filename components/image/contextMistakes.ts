import * as path from "node:path";
import { contextMistake } from "../../provider/context/contextKind";
import { dockerfileOf } from "../../provider/context/dockerfile";
import { statsOf } from "../../provider/context/statsOf";
import { isReference } from "../../provider/image/reference";
import { knownPlatforms, type Platform } from "../architecture";
import { forArchitecture } from "./buildInputs";
import type { ImageDraft, Mistake, OtherImage } from "./imageMistakes";
import { targetMistake } from "./targetMistake";

/** What is wrong with contexts, Dockerfiles and their stages: what buildx would not find on this machine, or would refuse. */
export function contextMistakes(image: ImageDraft, platforms: readonly Platform[], project: string): Mistake[] {
    const mistakesFor = (platform: Platform) => platformMistakes(image, platform, project);
    if (platforms.length > 0) {
        return unique(platforms.flatMap(mistakesFor));
    }
    // Which platforms are meant is a mistake of its own; here is what is missing whichever they are.
    const [first = [], ...others] = knownPlatforms.map(mistakesFor);
    return first.filter((mistake) => others.every((other) => other.some((one) => isSame(one, mistake))));
}

/** The inputs of one platform, `{arch}` replaced. */
type MainInputs = Pick<ImageDraft, "dockerfile" | "target" | "args"> & { context: string };

function isSame(one: Mistake, other: Mistake): boolean {
    return one.what === other.what && one.at.join() === other.at.join();
}

function unique(mistakes: Mistake[]): Mistake[] {
    return mistakes.filter((mistake, at) => mistakes.findIndex((other) => isSame(other, mistake)) === at);
}

function platformMistakes(image: ImageDraft, platform: Platform, project: string): Mistake[] {
    const own = { ...image, ...image.overrides?.[platform] };
    const contexts = { ...image.contexts, ...image.overrides?.[platform]?.contexts };
    const args = { ...image.args, ...image.overrides?.[platform]?.args };
    const here = (text: string) => forArchitecture(text, platform);
    return [
        ...(own.context
            ? mainMistakes(
                  { ...own, args, context: here(own.context), dockerfile: own.dockerfile && here(own.dockerfile) },
                  project,
              )
            : [{ at: ["context"], what: "missing; write the folder of the build context, relative to the project" }]),
        ...Object.entries(contexts).flatMap(([name, source]) => [
            ...told(["contexts", name], nameMistake(name)),
            ...(typeof source === "string" && source
                ? told(["contexts", name], contextMistake(here(source), project, true))
                : told(["contexts", name], otherImageMistake(source, platform))),
        ]),
    ];
}

/** A named context has the name of an image, which a `FROM` can have. */
function nameMistake(name: string): string | undefined {
    return isReference(name)
        ? undefined
        : `"${name}" is no name that FROM can have; use lower case letters, digits, ".", "_", "-", as in debian or debian:13`;
}

function mainMistakes({ context, dockerfile, target, args }: MainInputs, project: string): Mistake[] {
    const mistake = contextMistake(context, project, false);
    const found = dockerfileOf({ context, dockerfile }, project);
    if (mistake || found === undefined) {
        return told(["context"], mistake);
    }
    const file = dockerfile ?? path.join(context, "Dockerfile");
    const stats = statsOf(found);
    if (stats?.isDirectory()) {
        return told(["dockerfile"], `${file} is a folder, not a file; name the file`);
    }
    if (!stats?.isFile()) {
        return told(["dockerfile"], `file ${file} does not exist; create it or name another`);
    }
    // With this argument another frontend may read the file.
    const isOwn = target && args?.BUILDKIT_SYNTAX === undefined;
    return told(
        ["target"],
        isOwn ? targetMistake(target, found, path.join(path.dirname(file), path.basename(found))) : undefined,
    );
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
