import * as fs from "node:fs";
import * as path from "node:path";

/** As many links in a row as Linux follows. */
const mostLinks = 40;

/**
 * Content of a file below a folder, as BuildKit reads it from a copy of the folder: a link is followed, but as if the
 * folder were the root of the file system. Undefined where there is no such file, or no file by that name.
 */
export function readInRoot(root: string, file: string): Buffer | undefined {
    const names = file.split("/");
    let at = "";
    for (let links = 0; names.length > 0; ) {
        const name = names.shift() as string;
        // `at` begins with a slash or is empty, so nothing leads above the root.
        const next = path.posix.join("/", at, name);
        const target = linkTarget(path.join(root, next));
        if (target === undefined) {
            at = next;
        } else if (++links > mostLinks) {
            return undefined;
        } else {
            names.unshift(...target.split("/"));
            at = target.startsWith("/") ? "" : at;
        }
    }
    try {
        return fs.statSync(path.join(root, at)).isFile() ? fs.readFileSync(path.join(root, at)) : undefined;
    } catch {
        return undefined;
    }
}

function linkTarget(file: string): string | undefined {
    try {
        return fs.readlinkSync(file);
    } catch {
        return undefined;
    }
}
