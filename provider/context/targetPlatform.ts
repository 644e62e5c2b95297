import type { From } from "dockerfile-ast";
import { architectureOf } from "../../components/architecture";

/** What decides the platform of a stage. */
export interface TargetOptions {
    /** The platform that is built. */
    platform: string;
    /** Stage to build. @default the last one */
    target?: string | undefined;
    /** Build arguments. */
    args?: { [name: string]: string } | undefined;
    /** What BUILDPLATFORM is. */
    buildPlatform: string;
    /** Warnings of BuildKit's checks: those about a base that has the wrong architecture count. @default none */
    warnings?: { rule: string; line?: number; text: string }[];
}

/**
 * What is wrong with a Dockerfile whose target, by its own words, is not of the platform that is built:
 * `FROM --platform=linux/amd64` in a build for arm64. BuildKit builds it, and calls the image arm64. Stages that only do
 * work for the target may have any platform. Nothing if it is right, or if it cannot be told.
 */
export function targetPlatformMistake(dockerfile: string, options: TargetOptions): string | undefined {
    const stages = stagesOf(dockerfile, options);
    let stage = options.target
        ? (stages.find(({ name }) => name === options.target?.toLowerCase()) ?? stages[Number(options.target)])
        : stages.at(-1);
    for (; stage; stage = stage.base) {
        const { line, text, platform, image } = stage;
        const found = platform ?? (stage.base || image === "scratch" ? undefined : wrongBase(line, options));
        // An empty image has no architecture; its files may come from anywhere.
        if (found && image !== "scratch" && normal(found) !== normal(options.platform)) {
            return (
                `Dockerfile:${line}: ${text}: this makes the image for ${options.platform} out of one for ${found}, and its ` +
                "programs would not run. Use --platform only in stages that files are copied from, or leave it out."
            );
        }
    }
    return undefined;
}

interface Stage {
    name: string | undefined;
    line: number;
    /** The instruction as it is written. */
    text: string;
    /** Asked for by `--platform`. */
    platform: string | undefined;
    image: string;
    /** The stage it begins with. */
    base: Stage | undefined;
}

function stagesOf(dockerfile: string, { platform, args = {}, buildPlatform }: TargetOptions): Stage[] {
    // Loaded here: an `up` that builds nothing does not wait for it.
    const { DockerfileParser } = require("dockerfile-ast") as typeof import("dockerfile-ast");
    const parsed = DockerfileParser.parse(dockerfile);
    const variables = new Map(
        Object.entries({ ...platformArgs("TARGET", platform), ...platformArgs("BUILD", buildPlatform) }),
    );
    for (const property of parsed.getInitialARGs().flatMap((argument) => argument.getProperties())) {
        const name = property.getName();
        const given = args[name] ?? property.getValue();
        // Without a value it only makes a variable known, such as TARGETPLATFORM.
        if (given !== null && given !== undefined) {
            variables.set(name, args[name] ?? expanded(given, variables));
        }
    }
    const stages: Stage[] = [];
    for (const from of parsed.getFROMs() as From[]) {
        const image = expanded(from.getImage() ?? "", variables);
        const flag = from.getPlatformFlag()?.getValue();
        stages.push({
            name: from.getBuildStage()?.toLowerCase(),
            line: from.getRange().start.line + 1,
            text: from.getTextContent().replace(/[\\`]?\s*\n\s*/g, " "),
            platform: flag ? expanded(flag, variables) : undefined,
            image,
            base: stages.findLast(({ name }) => name === image.toLowerCase()),
        });
    }
    return stages;
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

/** `$NAME`, `${NAME}`, `${NAME:-word}` and `${NAME:+word}`, as in `FROM`. */
function expanded(text: string, variables: Map<string, string>): string {
    return text
        .replace(/\$(?:(\w+)|\{(\w+)(?::?([-+])([^}]*))?\})/g, (_all, plain, braced, operator, word) => {
            const value = variables.get(plain ?? braced) ?? "";
            if (operator === "+") {
                return value ? expanded(word, variables) : "";
            }
            return value || (operator === "-" ? expanded(word, variables) : "");
        })
        .replace(/^(["'])(.*)\1$/, "$2");
}

/** The platform that BuildKit found a base to have, where it is not the one that was asked for. */
function wrongBase(line: number, { warnings = [] }: TargetOptions): string | undefined {
    const warning = warnings.find((found) => found.rule === "InvalidBaseImagePlatform" && found.line === line);
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
