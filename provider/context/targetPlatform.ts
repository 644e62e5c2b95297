import { architectureOf } from "../../components/architecture";
import { familiarName } from "../image/reference";
import { imagePrefix } from "./contextKind";
import { type DockerfileStages, readStages, stageNamed, type WrittenStage } from "./dockerfileStages";
import { expanded } from "./dockerfileWords";
import { ociLayoutPrefix } from "./ociLayout";

/** BuildKit's check of a base's platform. It passes over named contexts. */
export const wrongBaseRule = "InvalidBaseImagePlatform";

/** What decides the platform of a stage. */
export interface TargetOptions {
    /** The platform that is built. */
    platform: string;
    /** Stage to build. @default the last one */
    target?: string | undefined;
    /** Build arguments. */
    args?: { [name: string]: string } | undefined;
    /** Named contexts: they go before stages and images of their names. @default none */
    contexts?: { [name: string]: string } | undefined;
    /** What BUILDPLATFORM is. */
    buildPlatform: string;
    /**
     * Platforms of images by reference, or by layout as in `oci-layout://FOLDER:TAG`, as far as they are known: `index` for
     * an image of several. @default none is known
     */
    imagePlatforms?: { [reference: string]: string | undefined };
    /** Warnings of BuildKit's checks: those about a base that has the wrong architecture count. @default none */
    warnings?: { rule: string; line?: number; text: string }[];
}

/**
 * What is wrong with a Dockerfile whose target, by its own words or by what it is built on, is not of the platform that is
 * built: `FROM --platform=linux/amd64` in a build for arm64. BuildKit builds it, and calls the image arm64. Stages that only
 * do work for the target may have any platform. Nothing if it is right, or if it cannot be told.
 */
export function targetPlatformMistake(dockerfile: string, options: TargetOptions): string | undefined {
    for (const stage of stagesOfTarget(dockerfile, options)) {
        const found = otherPlatform(stage, options);
        if (found) {
            const { line, text, context } = stage;
            const remedy =
                context && found === platformOfContext(context, options)
                    ? `Context ${context.name} is that image: name one for ${options.platform} in contexts.`
                    : "Use --platform only in stages that files are copied from, or leave it out.";
            return (
                `Dockerfile:${line}: ${text}: this makes the image for ${options.platform} out of one for ${found}, and its ` +
                `programs would not run. ${remedy}`
            );
        }
    }
    return undefined;
}

/** The images that are named contexts and that the target is built on, by reference or by layout: their platforms count. */
export function contextImagesOfTarget(dockerfile: string, options: TargetOptions): string[] {
    const images = stagesOfTarget(dockerfile, options).flatMap(({ context }) => context?.image ?? []);
    return images.filter((image) => image !== "scratch");
}

/** A stage with its variables replaced. */
interface Stage extends WrittenStage {
    /** The stage it begins with. */
    base: Stage | undefined;
    /** The named context that it begins with. */
    context: Context | undefined;
    /** The context is in place of the whole stage, whose name it has. */
    isReplaced: boolean;
}

interface Context {
    name: string;
    /** Its reference, or where it is as in `oci-layout://FOLDER:TAG`, if it is an image. */
    image: string | undefined;
}

/** The target, the stage it begins with, the stage which that begins with, and so on. */
function stagesOfTarget(dockerfile: string, options: TargetOptions): Stage[] {
    const found: Stage[] = [];
    const stages = stagesOf(dockerfile, options);
    let stage = options.target ? stageNamed(stages, options.target) : stages.at(-1);
    for (; stage; stage = stage.base) {
        found.push(stage);
    }
    return found;
}

function stagesOf(dockerfile: string, options: TargetOptions): Stage[] {
    const read = readStages(dockerfile);
    const { contexts = {} } = options;
    const expand = expandIn(read, options);
    const stages: Stage[] = [];
    for (const written of read.stages) {
        const image = expand(written.image) ?? "";
        const platform = expand(written.platform);
        const own = written.name === undefined ? undefined : contextOf(written.name, contexts);
        const base = own ? undefined : stageNamed(stages, image);
        const context = own ?? (base || image === "scratch" ? undefined : contextOf(image, contexts));
        stages.push({ ...written, image, platform, base, context, isReplaced: own !== undefined });
    }
    return stages;
}

/** In place of a value that cannot be told; no Dockerfile has this character. */
const untold = "\0";

/** Replaces the variables of a `FROM`; undefined where that is not understood. */
function expandIn({ args, stages, escapeChar }: DockerfileStages, options: TargetOptions) {
    const { platform, buildPlatform, target = stages.at(-1)?.name ?? "default", args: given = {} } = options;
    const builtIn = {
        ...platformArgs("TARGET", platform),
        ...platformArgs("BUILD", buildPlatform),
        TARGETSTAGE: target,
    };
    const variables = new Map(Object.entries(builtIn).map(([name, value]) => [name, given[name] ?? value]));
    const expand = (text: string | undefined) => {
        const found = text === undefined ? undefined : expanded(text, { escapeChar, variables });
        return found?.includes(untold) ? undefined : found;
    };
    for (const { name, value } of args) {
        // Without a value it only makes a variable known, such as TARGETPLATFORM.
        if (given[name] !== undefined || value !== undefined) {
            variables.set(name, given[name] ?? expand(value) ?? untold);
        }
    }
    return expand;
}

function contextOf(name: string, contexts: { [name: string]: string }): Context | undefined {
    // BuildKit keeps these two names for itself.
    if (["scratch", "context"].includes(name)) {
        return undefined;
    }
    const found = Object.entries(contexts).find(([key]) => familiarName(key) === familiarName(name));
    if (!found) {
        return undefined;
    }
    const [key, source] = found;
    const layout = source.startsWith(ociLayoutPrefix) ? source : undefined;
    return { name: key, image: source.startsWith(imagePrefix) ? source.slice(imagePrefix.length) : layout };
}

/** The platform of what a stage begins with, where it is another than the one that is built. */
function otherPlatform(
    { line, image, platform, base, context, isReplaced }: Stage,
    options: TargetOptions,
): string | undefined {
    const known = context && platformOfContext(context, options);
    const alone = known === "index" ? undefined : known;
    // An empty image has no architecture; its files may come from anywhere.
    const isEmpty = context ? context.image === "scratch" : image === "scratch";
    // The system alone is the machine's own platform.
    const written = platform === "linux" ? options.buildPlatform : platform;
    const asked = isReplaced && known !== "index" ? undefined : written;
    const found = [asked, alone, base || context ? undefined : wrongBase(line, options)];
    return isEmpty ? undefined : found.find((one) => one && normal(one) !== normal(options.platform));
}

function platformOfContext({ image }: Context, { imagePlatforms }: TargetOptions): string | undefined {
    return image === undefined ? undefined : imagePlatforms?.[image];
}

function platformArgs(prefix: string, platform: string): { [name: string]: string } {
    const [os = "", arch = "", variant = ""] = platform.split("/");
    return {
        [`${prefix}PLATFORM`]: platform,
        [`${prefix}OS`]: os,
        [`${prefix}ARCH`]: arch,
        [`${prefix}VARIANT`]: variant,
    };
}

/** The platform that BuildKit found a base to have, where it is not the one that was asked for. */
function wrongBase(line: number, { warnings = [] }: TargetOptions): string | undefined {
    const warning = warnings.find((found) => found.rule === wrongBaseRule && found.line === line);
    return warning && /with platform "([^"]*)"/.exec(warning.text)?.[1];
}

/** One name of each platform: architectures have several, and variants. */
function normal(platform: string): string {
    const [os, name, ...variant] = platform
        .toLowerCase()
        .replace(/^(?!.*\/)/, "linux/")
        .split("/");
    const known = architectureOf(name ?? "");
    return [os, ...(known ? [known.suffix] : [name, ...variant])].join("/");
}
