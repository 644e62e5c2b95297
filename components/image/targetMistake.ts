import { dockerfileText } from "../../provider/context/dockerfile";
import { isPlainDockerfile, readStages, stageNamed } from "../../provider/context/dockerfileStages";

/**
 * What is wrong with the stage to build: the Dockerfile has none of that name. Nothing where that cannot be told, as of
 * another frontend's file.
 *
 * @param file the Dockerfile
 * @param shown its path, as the user wrote it
 */
export function targetMistake(target: string, file: string, shown: string): string | undefined {
    const read = readStages(dockerfileText(file) ?? "");
    if (!isPlainDockerfile(read) || read.stages.length === 0 || stageNamed(read.stages, target)) {
        return undefined;
    }
    const names = [...new Set(read.stages.flatMap(({ name }) => name ?? []))];
    const remedy = names.length > 0 ? `write one of: ${names.join(", ")}` : "name it there, by FROM ... AS NAME";
    return `${shown} has no stage "${target}"; ${remedy}`;
}
