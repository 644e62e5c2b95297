import { createHash } from "node:crypto";
import * as path from "node:path";
import { isUnknown } from "../values";
import { type FolderOptions, hashFolder } from "./contextHash";
import { contextKind, contextMistake } from "./contextKind";
import { hashDockerfile, locateDockerfile } from "./dockerfile";
import { resolveGitCommit } from "./gitCommit";
import { parseGitContext, withoutPassword } from "./gitContext";
import { hashOciLayout } from "./ociLayout";

/** A named context: where it is, or for an image of several platforms, where each platform's is. */
export type ContextSource = string | { [platform: string]: string };

/** The places that a build reads. */
export interface ContextInputs {
    context: string;
    /** @default `Dockerfile` in the context */
    dockerfile?: string;
    contexts: { [name: string]: ContextSource };
}

/** Commits of contexts that are git repositories, by their addresses. */
export type Commits = { [address: string]: string };

/** The main context's name among the named ones; none of those can be called so. */
const main = "";

/**
 * Digest of everything that a build reads on this machine: the folders, the Dockerfile and the ignore files. It leaves out
 * what another resource makes, which is not known in a preview.
 *
 * @param project folder that relative paths start from
 * @param hashOf says the hash of a folder; the main context's name is empty
 * @throws Error for what is missing or cannot be read
 */
export async function hashContexts(
    inputs: ContextInputs,
    project: string,
    hashOf: (folder: string, options: FolderOptions, name: string) => Promise<string> = hashNow,
): Promise<string> {
    for (const [name, source] of placesOf(inputs)) {
        const mistake = contextMistake(source, project, name !== main);
        if (mistake) {
            throw new Error(name === main ? mistake : `context ${name}: ${mistake}`);
        }
    }
    const dockerfile = dockerfileOf(inputs, project);
    const parts: Promise<string[]>[] = dockerfile ? [named("Dockerfile", hashDockerfile(dockerfile))] : [];
    for (const [name, source] of placesOf(inputs)) {
        const kind = contextKind(source, project, name !== main);
        if (kind === "folder") {
            const options = name === main && dockerfile ? { dockerfile } : {};
            parts.push(named(name, hashOf(path.resolve(project, source), options, name)));
        } else if (kind === "oci-layout") {
            parts.push(named(name, hashOciLayout(source, project)));
        }
    }
    const hash = createHash("sha256");
    for (const part of await Promise.all(parts)) {
        hash.update(JSON.stringify(part));
    }
    return hash.digest("hex");
}

async function named(name: string, part: Promise<string>): Promise<string[]> {
    return [name, await part];
}

/**
 * The newest commit of every context that is a git repository.
 *
 * @param project folder that git asks from: its configuration counts
 * @param known commits of an earlier look, for repositories that cannot be asked now
 * @returns with `notAsked`, what could not be asked and why, for a person
 */
export async function askCommits(
    inputs: ContextInputs,
    project: string,
    known: Commits = {},
): Promise<{ commits: Commits; notAsked: string[] }> {
    const commits: Commits = {};
    const notAsked: string[] = [];
    for (const [name, address] of placesOf(inputs)) {
        const git = contextKind(address, project, name !== main) === "git" ? parseGitContext(address) : undefined;
        if (!git || commits[address]) {
            continue;
        }
        const answer = await resolveGitCommit(git, project);
        const found = "commit" in answer ? answer.commit : known[address];
        if (found) {
            commits[address] = found;
        }
        if ("reason" in answer) {
            const place = withoutPassword(address);
            notAsked.push(`${place}: its newest commit is not known, so it is taken as unchanged: ${answer.reason}`);
        }
    }
    return { commits, notAsked };
}

/** The contexts with their names, except images: their references are inputs by themselves. */
function placesOf(inputs: ContextInputs): [name: string, source: string][] {
    return [[main, inputs.context] as const, ...Object.entries(inputs.contexts)].flatMap(([name, source]) =>
        typeof source !== "string" || isUnknown(source) ? [] : [[name, source]],
    );
}

async function hashNow(folder: string, options: FolderOptions): Promise<string> {
    return (await hashFolder(folder, options)).hash;
}

/** The Dockerfile, if it is a file of this machine. In a git repository it is not, nor beside an archive. */
export function dockerfileOf(inputs: ContextInputs, project: string): string | undefined {
    if (contextKind(inputs.context, project, false) !== "folder") {
        return undefined;
    }
    const file = inputs.dockerfile ? path.resolve(project, inputs.dockerfile) : undefined;
    return locateDockerfile(path.resolve(project, inputs.context), file);
}
