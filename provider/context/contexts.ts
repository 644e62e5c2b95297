import { createHash } from "node:crypto";
import * as path from "node:path";
import { isUnknown } from "../values";
import type { FolderOptions } from "./contextHash";
import { type ContextKind, contextKind, contextMistake } from "./contextKind";
import { dockerfileOf, hashDockerfile } from "./dockerfile";
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
    hashOf: (folder: string, options: FolderOptions, name: string) => Promise<string>,
): Promise<string> {
    const places = placesOf(inputs, project);
    for (const { name, source } of places) {
        const mistake = contextMistake(source, project, name !== main);
        if (mistake) {
            throw new Error(name === main ? mistake : `context ${name}: ${mistake}`);
        }
    }
    const dockerfile = dockerfileOf(inputs, project);
    const parts: Promise<string[]>[] = dockerfile ? [named("Dockerfile", hashDockerfile(dockerfile))] : [];
    for (const { name, source, kind } of places) {
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

/** A context: its name, where it is, and what it is there. */
interface Place {
    name: string;
    source: string;
    kind: ContextKind;
}

/** The contexts, except other images, each platform's by itself: their references are inputs by themselves. */
export function placesOf(inputs: ContextInputs, project: string): Place[] {
    return [[main, inputs.context] as const, ...Object.entries(inputs.contexts)].flatMap(([name, source]) =>
        typeof source !== "string" || isUnknown(source)
            ? []
            : [{ name, source, kind: contextKind(source, project, name !== main) }],
    );
}
