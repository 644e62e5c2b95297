import { readInstructions } from "./dockerfileInstructions";

/** A stage as the Dockerfile's `FROM` writes it: variables are not replaced. */
export interface WrittenStage {
    /** Line of the `FROM`, from 1. */
    line: number;
    /** The `FROM` as one line. */
    text: string;
    /** In small letters; undefined without `AS`. */
    name: string | undefined;
    /** Asked for by `--platform`. */
    platform: string | undefined;
    /** The image, or an earlier stage. */
    image: string;
}

export interface DockerfileStages {
    /** The escape character, `\` or a backtick. */
    escapeChar: string;
    /** Name of the frontend's image, where the Dockerfile names one. */
    syntax: string | undefined;
    /** The arguments before the first `FROM`, in order, with their defaults. */
    args: { name: string; value: string | undefined }[];
    stages: WrittenStage[];
}

/** Reads the stages of a Dockerfile. Of a file that is none there are no stages, or such as BuildKit refuses. */
export function readStages(dockerfile: string): DockerfileStages {
    const { instructions, ...directives } = readInstructions(dockerfile);
    const first = instructions.findIndex(({ keyword }) => keyword === "from");
    const { escapeChar } = directives;
    // Words keep their quotes and escape characters until they are expanded.
    const escaped = `\\${escapeChar}[^]`;
    const word = new RegExp(`(?:${escaped}|"(?:${escaped}|[^"])*"?|'[^']*'?|\\S)+`, "g");
    const args = instructions
        .slice(0, Math.max(first, 0))
        .filter(({ keyword }) => keyword === "arg")
        .flatMap(({ rest }) => rest.match(word) ?? [])
        .map((declared) => {
            const [name = "", ...value] = declared.split("=");
            return { name, value: value.length > 0 ? value.join("=") : undefined };
        });
    const stages = instructions
        .filter(({ keyword }) => keyword === "from")
        .map(({ line, text, flags, rest }) => {
            const [image = "", as = "", name] = rest.split(/[\t\v\f\r ]+/);
            return {
                line,
                text: text.replace(/\s+/g, " "),
                name: as.toLowerCase() === "as" ? name?.toLowerCase() : undefined,
                platform: flags.find((flag) => flag.startsWith("--platform="))?.replace(/^[^=]*=/, ""),
                image,
            };
        });
    return { ...directives, args, stages };
}

/** The last stage of a name; a number is none, with BuildKit. */
export function stageNamed<Stage extends { name: string | undefined }>(
    stages: readonly Stage[],
    name: string,
): Stage | undefined {
    return stages.findLast((stage) => stage.name === name.toLowerCase());
}

/** Whether BuildKit reads the file by the rules that are known here, and not another frontend by its own. */
export function isPlainDockerfile({ syntax = "docker/dockerfile" }: DockerfileStages): boolean {
    return /(^|\/)docker\/dockerfile(-upstream)?([:@]|$)/.test(syntax);
}
