import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";

/**
 * Where Pulumi has a stack's file: beside Pulumi.yaml, with its ending, or in the folder that Pulumi.yaml names. The file need
 * not exist.
 *
 * @param project folder of Pulumi.yaml
 * @returns its path from there
 */
export function stackFilePath(project: string, stack: string): string {
    const endings = [".json", ".yaml", ".yml"];
    const ending = endings.find((one) => existsSync(path.join(project, `Pulumi${one}`)));
    const folder = ending ? stackConfigDir(readFileSync(path.join(project, `Pulumi${ending}`), "utf8")) : "";
    return path.join(".", folder, `Pulumi.${stack}${ending ?? ".yaml"}`);
}

/** Below the project's folder, whatever it begins with. Its old name is `config`, which now mostly holds settings. */
function stackConfigDir(projectFile: string): string {
    if (!/stackConfigDir|^\s*["']?config["']?[ \t]*:[ \t]*[^\s#]/m.test(projectFile)) {
        return "";
    }
    // Loaded here: it takes a while.
    const yaml = require("yaml") as typeof import("yaml");
    const { stackConfigDir, config } = yaml.parseDocument(projectFile).toJS() ?? {};
    return [stackConfigDir, config].find((folder) => typeof folder === "string") ?? "";
}
