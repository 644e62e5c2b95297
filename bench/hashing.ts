import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { promisify } from "node:util";
import { FolderLooks } from "../provider/context/folderLooks";

const run = promisify(execFile);

/** A context of 10,000 files and 1 GB below `parent`. */
export async function largeContext(parent: string): Promise<string> {
    const context = path.join(parent, "large");
    await writeFiles(context, { files: 10_000, bytes: 100_000, folders: 100 });
    return context;
}

/** Writes files of so many bytes each, of which no two are alike, in folders below one. */
export async function writeFiles(
    parent: string,
    { files, bytes, folders }: { files: number; bytes: number; folders: number },
): Promise<void> {
    const content = randomBytes(bytes);
    for (let at = 0; at < files; at++) {
        const folder = path.join(parent, String(at % folders));
        await fs.mkdir(folder, { recursive: true });
        content.writeUInt32LE(at);
        await fs.writeFile(path.join(folder, String(at)), content);
    }
}

/** sha256sum over every file of a context, one process after the other. */
export async function sha256sum(context: string): Promise<void> {
    await run("sh", ["-c", 'find "$1" -type f -print0 | xargs -0 sha256sum >/dev/null', "sh", context]);
}

// A process of its own, as the provider is: nothing of an earlier run is in its memory. Prints its seconds, without those
// of Node's start.
if (require.main === module) {
    const started = performance.now();
    const folder = process.argv[2] ?? "";
    const looks = new FolderLooks();
    // As the provider does for two platforms of an image.
    const hash = async (image: string) => looks.hash(image, folder, {});
    hash("arm64")
        .then(() => hash("amd64"))
        .then(() => {
            process.stdout.write(`${(performance.now() - started) / 1000}\n`);
        });
}

/** Seconds that the provider takes to hash a context. */
export async function hash(context: string): Promise<number> {
    const { stdout } = await run(process.execPath, ["--require=tsx/cjs", __filename, context]);
    return Number(stdout);
}
