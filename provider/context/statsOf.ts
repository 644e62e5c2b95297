import { type Stats, statSync } from "node:fs";

/**
 * What is at a path, behind links. Undefined where nothing can be found, for whatever reason: a link may lead to itself, an
 * address may be too long for a name of a file.
 */
export function statsOf(file: string): Stats | undefined {
    try {
        return statSync(file, { throwIfNoEntry: false });
    } catch {
        return undefined;
    }
}
