import * as path from "node:path";
import { contextKind } from "./contextKind";
import type { ContextInputs, ContextSource } from "./contexts";
import { ociLayoutPrefix, parseOciLayout } from "./ociLayout";

/**
 * The inputs with the full paths of contexts on this machine as paths from the project: the same in every checkout, as with
 * `path.join(__dirname, "app")` in a program, and no path of a machine.
 */
export function fromProject<Inputs extends ContextInputs>(inputs: Inputs, project: string): Inputs {
    const contexts = Object.entries(inputs.contexts).map(([name, source]): [string, ContextSource] => [
        name,
        typeof source === "string" ? placeFromProject(source, project, true) : source,
    ]);
    return {
        ...inputs,
        context: placeFromProject(inputs.context, project, false),
        contexts: Object.fromEntries(contexts),
    };
}

function placeFromProject(source: string, project: string, named: boolean): string {
    switch (contextKind(source, project, named)) {
        case "folder":
            return pathFromProject(source, project);
        case "oci-layout": {
            const { folder } = parseOciLayout(source);
            const rest = source.slice(ociLayoutPrefix.length + folder.length);
            return `${ociLayoutPrefix}${pathFromProject(folder, project)}${rest}`;
        }
        default:
            return source;
    }
}

function pathFromProject(file: string, project: string): string {
    return path.isAbsolute(file) ? path.relative(project, file) || "." : file;
}
