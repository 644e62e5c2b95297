import { homedir } from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";

/**
 * Where this machine keeps its local runners, its registry and their caches: NATIVE_BUILDX_HOME, else `native-buildx`
 * in the user's data folder. Never part of the state: another machine has another.
 */
export function dataFolder(environment: NodeJS.ProcessEnv = process.env): string {
    return (
        environment.NATIVE_BUILDX_HOME ||
        path.join(environment.XDG_DATA_HOME || path.join(homedir(), ".local", "share"), "native-buildx")
    );
}

/** The folder, below the data folder, whose certificates Go programs trust (SSL_CERT_DIR; tools/env.sh). */
export const trustFolder = "trust";

interface FolderInputs {
    /** Below the data folder. */
    folder: string;
    /** Script in it that ends its processes: `sh SCRIPT stop`. */
    script: string;
    /** Files below the data folder that go with it. */
    alsoRemove: string[];
}

// Serialized into the state, from where `pulumi destroy` runs it: so it captures nothing of this machine.
const folderProvider: pulumi.dynamic.ResourceProvider<FolderInputs, FolderInputs> = {
    async create(inputs) {
        return { id: inputs.folder, outs: inputs };
    },
    async diff(_id, olds, news) {
        const { isDeepStrictEqual } = require("node:util") as typeof import("node:util");
        const pick = (from: FolderInputs) => [from.folder, from.script, from.alsoRemove];
        return {
            changes: !isDeepStrictEqual(pick(olds), pick(news)),
            replaces: olds.folder === news.folder ? [] : ["folder"],
        };
    },
    async update(_id, _olds, news) {
        return { outs: news };
    },
    async delete(_id, properties) {
        const { execFile } = require("node:child_process") as typeof import("node:child_process");
        const { existsSync } = require("node:fs") as typeof import("node:fs");
        const fs = require("node:fs/promises") as typeof import("node:fs/promises");
        const os = require("node:os") as typeof import("node:os");
        const nodePath = require("node:path") as typeof import("node:path");
        const run = (command: string, args: string[], cwd: string) =>
            new Promise<void>((resolve, reject) => {
                execFile(command, args, { cwd }, (error, _stdout, stderr) =>
                    error ? reject(new Error(stderr.trim() || error.message)) : resolve(),
                );
            });

        const home =
            process.env.NATIVE_BUILDX_HOME ||
            nodePath.join(process.env.XDG_DATA_HOME || nodePath.join(os.homedir(), ".local", "share"), "native-buildx");
        const folder = nodePath.join(home, properties.folder);
        if (existsSync(nodePath.join(folder, properties.script))) {
            await run("sh", [properties.script, "stop"], folder);
        }
        try {
            await fs.rm(folder, { recursive: true, force: true });
        } catch (error) {
            // Without root, files of the build containers belong to the user's subordinate ids.
            await run("rootlesskit", ["rm", "-rf", folder], home).catch(() => {
                throw error;
            });
        }
        for (const file of properties.alsoRemove) {
            await fs.rm(nodePath.join(home, file), { force: true });
        }
        // The stack's folder, once its last runner is gone.
        await fs.rmdir(nodePath.dirname(folder)).catch(() => undefined);
    },
};

/**
 * A folder of this machine with processes of its own in it (a local runner, the local registry). They are started by
 * the connect script, not by the resource; what the resource is for is that `pulumi destroy`, or taking a platform out
 * of the configuration, ends them and removes the folder.
 */
export class LocalFolder extends pulumi.dynamic.Resource {
    constructor(
        name: string,
        args: { folder: string; script: string; alsoRemove?: string[] },
        opts?: pulumi.CustomResourceOptions,
    ) {
        super(folderProvider, name, { alsoRemove: [], ...args }, opts);
    }
}
