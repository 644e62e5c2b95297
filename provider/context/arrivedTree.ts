import { createHash } from "node:crypto";
import * as fs from "node:fs";

/** The contents of a folder, by path (bytes as latin1): type, permissions and content, each read in the simplest way. */
export function arrivedTree(folder: string): { [path: string]: string } {
    const tree: { [path: string]: string } = {};
    const walk = (below: Buffer) => {
        for (const name of fs.readdirSync(Buffer.concat([Buffer.from(`${folder}/`), below]), { encoding: "buffer" })) {
            const path = below.length > 0 ? Buffer.concat([below, Buffer.from("/"), name]) : name;
            const absolute = Buffer.concat([Buffer.from(`${folder}/`), path]);
            const stats = fs.lstatSync(absolute);
            const mode = (stats.mode & 0o7777).toString(8);
            const key = path.toString("latin1");
            if (stats.isDirectory()) {
                tree[key] = `folder ${mode}`;
                walk(path);
            } else if (stats.isSymbolicLink()) {
                tree[key] = `link ${mode} ${fs.readlinkSync(absolute, "latin1")}`;
            } else if (stats.isFile()) {
                tree[key] = `file ${mode} ${sha256(fs.readFileSync(absolute))}`;
            } else if (stats.isFIFO()) {
                tree[key] = `pipe ${mode} `;
            } else {
                tree[key] = `${stats.isBlockDevice() ? "block" : "character"} device ${mode} ${stats.rdev}`;
            }
        }
    };
    walk(Buffer.alloc(0));
    return tree;
}

export function sha256(content: Buffer | string): string {
    return createHash("sha256").update(content).digest("hex");
}
