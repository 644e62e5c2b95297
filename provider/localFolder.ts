import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import * as path from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { dataFolder } from "../components/localMachine/dataFolder";
import { daemonsOf } from "../components/localMachine/folderProcesses";
import { Owners } from "./owners";
import { differences, type ResourceType, type Work } from "./resource";

const run = promisify(execFile);

/** All paths are relative: another machine has another data folder. */
export interface LocalFolderInputs {
    /** Below the data folder. */
    folder: string;
    /** Script in it that ends its processes: `sh SCRIPT stop`. */
    script: string;
    /** Files below the data folder that go with it. */
    alsoRemove: string[];
}

/**
 * A folder with processes that work in it, which its removal ends, unless by then it is another resource's: of a component that
 * was renamed, or moved to another parent. The connect script makes it and starts them.
 */
export class LocalFolderResource implements ResourceType<LocalFolderInputs, LocalFolderInputs> {
    readonly replacedBy = ["folder"];
    private readonly owners = new Owners();

    async check(inputs: LocalFolderInputs, { urn }: Pick<Work, "urn">): Promise<LocalFolderInputs> {
        this.owners.take(inputs.folder, urn);
        return inputs;
    }

    changes(olds: LocalFolderInputs, news: LocalFolderInputs): string[] {
        return differences(olds, news, ["folder", "script", "alsoRemove"]);
    }

    async create(inputs: LocalFolderInputs): Promise<{ id: string; outputs: LocalFolderInputs }> {
        // By which the registry in another folder of that name, which is empty, is another one.
        return { id: randomUUID(), outputs: inputs };
    }

    async update(inputs: LocalFolderInputs): Promise<LocalFolderInputs> {
        return inputs;
    }

    async delete({ folder, script, alsoRemove }: LocalFolderInputs, { urn }: Pick<Work, "urn">): Promise<void> {
        if (this.owners.isAnothers(folder, urn)) {
            return;
        }
        const home = dataFolder();
        const here = path.join(home, folder);
        if (existsSync(path.join(here, script))) {
            await said(run("sh", [script, "stop"], { cwd: here }));
        }
        await endDaemons(here);
        await rm(here, { recursive: true, force: true }).catch(async (error) => {
            // Without root, files of the build containers belong to the user's subordinate ids.
            await run("rootlesskit", ["rm", "-rf", here], { cwd: home }).catch(() => {
                throw error;
            });
        });
        for (const file of alsoRemove) {
            await rm(path.join(home, file), { force: true });
        }
        // The stack's folder, once its last runner is gone.
        await rmdir(path.dirname(here)).catch(() => undefined);
    }
}

/**
 * Ends what the folder's script does not find, because the folder, or the file with the process's id, was removed by hand.
 * They have eight seconds for it.
 *
 * @throws if there still are some two seconds after they were killed
 */
async function endDaemons(folder: string): Promise<void> {
    for (let waited = 0; waited < 100; waited++) {
        const left = daemonsOf(folder);
        if (left.length === 0) {
            return;
        }
        if (waited === 0 || waited === 80) {
            for (const { pid } of left) {
                signal(pid, waited === 0 ? "SIGTERM" : "SIGKILL");
            }
        }
        await setTimeout(100);
    }
    const left = daemonsOf(folder).map(({ pid }) => pid);
    throw new Error(`${folder}: its processes do not end: ${left.join(", ")}. End them, and try again.`);
}

function signal(pid: number, name: NodeJS.Signals): void {
    try {
        process.kill(pid, name);
    } catch {
        // It has ended.
    }
}

/** The error of a failed command has the command's output, not its arguments. */
async function said(command: Promise<unknown>): Promise<void> {
    await command.catch((error: Error & { stderr?: string }) => {
        throw new Error(error.stderr?.trim() || error.message);
    });
}
