import { execFile } from "node:child_process";
import { constants } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { userDockerFolder } from "./environment";

/** Where docker looks for the plugins of all users of a machine. */
const systemPlugins = [
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
];

/**
 * buildx by its path: a docker with a configuration of its own would not find a user's plugin. As a program on PATH, as
 * the user's or the system's docker plugin, or else whatever `docker buildx` is.
 */
export async function findBuildx(
    caller: NodeJS.ProcessEnv,
    pluginsOfAll: readonly string[] = systemPlugins,
): Promise<[string, ...string[]]> {
    const onPath = (name: string) => (caller.PATH ?? "").split(path.delimiter).map((folder) => path.join(folder, name));
    const plugins = [path.join(userDockerFolder(caller), "cli-plugins"), ...pluginsOfAll];
    for (const file of [...onPath("buildx"), ...plugins.map((folder) => path.join(folder, "docker-buildx"))]) {
        if (await isProgram(file)) {
            return [path.resolve(file)];
        }
    }
    for (const file of onPath("docker")) {
        if ((await isProgram(file)) && (await hasBuildx(file, caller))) {
            return [path.resolve(file), "buildx"];
        }
    }
    throw new Error(
        `docker buildx is needed to build and was not found: neither as program buildx on PATH, nor as docker's plugin in ${plugins[0]} or /usr/lib*/docker/cli-plugins. Install it: https://docs.docker.com/go/buildx/`,
    );
}

async function isProgram(file: string): Promise<boolean> {
    try {
        await fs.access(file, constants.X_OK);
        return (await fs.stat(file)).isFile();
    } catch {
        return false;
    }
}

/** podman, which may be called docker, answers too, and has no buildx. */
function hasBuildx(docker: string, env: NodeJS.ProcessEnv): Promise<boolean> {
    return new Promise((resolve) =>
        execFile(docker, ["buildx", "version"], { env, timeout: 20_000 }, (error, stdout) =>
            resolve(error === null && stdout.includes("github.com/docker/buildx")),
        ),
    );
}
