import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { createServer } from "node:net";

/** Numbers that look random and are the same for the same seed (mulberry32). */
export class Random {
    constructor(private state: number) {}

    below(limit: number): number {
        this.state = (this.state + 0x6d2b79f5) | 0;
        let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
        mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
        return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
    }

    pick<T>(from: readonly T[]): T {
        return from[this.below(from.length)] as T;
    }
}

const names = ["a", "b", "ab", "A", "a.c", "x.c", "docs", "é", "a b", "-x", "[a]", "!a", "a\\b", "#a"]
    .map((name) => Buffer.from(name))
    // A name need not be text.
    .concat(Buffer.from([0x62, 0xff, 0x62]));
const contents = ["", "x", "y", "other"];
const targets = ["a", "b", "docs", "nowhere", "../..", "/dev/zero", "me@host.1", "ab/é"];
const fileModes = [0o644, 0o600, 0o755, 0o400, 0o4755, 0o2755];
const folderModes = [0o755, 0o700, 0o1777, 0o2775];

const join = (folder: Buffer, name: Buffer) => Buffer.concat([folder, Buffer.from("/"), name]);

/** Fills a folder with files, links and everything else, and with ignore rules. */
export async function plantTree(random: Random, folder: string): Promise<void> {
    const folders = [Buffer.from(folder)];
    for (let left = 40; left > 0; left--) {
        const path = join(random.pick(folders), random.pick(names));
        if (exists(path)) {
            continue;
        }
        await plant(random, path);
        if (fs.lstatSync(path).isDirectory()) {
            folders.push(path);
        }
    }
    fs.writeFileSync(`${folder}/.dockerignore`, ignoreFile(random));
}

function exists(path: Buffer): boolean {
    return fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

async function plant(random: Random, path: Buffer): Promise<void> {
    const kind = random.below(20);
    if (kind < 8) {
        fs.writeFileSync(path, random.pick(contents));
        fs.chmodSync(path, random.pick(fileModes));
    } else if (kind < 14) {
        fs.mkdirSync(path);
        fs.chmodSync(path, random.pick(folderModes));
    } else if (kind < 17) {
        fs.symlinkSync(random.pick(targets), path);
    } else {
        await plantSpecial(kind, path);
    }
}

/** Those that only programs can make, by names that are text. */
async function plantSpecial(kind: number, path: Buffer): Promise<void> {
    const made = `/tmp/nbx-special-${process.pid}`;
    if (kind === 17) {
        execFileSync("mkfifo", [made]);
    } else if (kind === 18) {
        execFileSync("mknod", [made, "c", "1", "3"]);
    } else {
        const server = createServer();
        await new Promise<void>((resolve) => server.listen(made, resolve));
        fs.renameSync(made, path);
        server.close();
        return;
    }
    fs.renameSync(made, path);
}

const pieces = [
    "a",
    "b",
    "ab",
    "docs",
    "*",
    "**",
    "?",
    "a*",
    "*.c",
    "[a-b]",
    "[^a]",
    "A",
    "é",
    "a b",
    "\\[a\\]",
    ".",
    "..",
];

/** A few patterns, with comments and blanks between. */
export function ignoreFile(random: Random): string {
    const line = () => {
        const parts = Array.from({ length: 1 + random.below(3) }, () => random.pick(pieces));
        return random.pick(["", "", "", "!", "!", "/", "# "]) + parts.join("/") + random.pick(["", "", "", "/", " "]);
    };
    const lines = Array.from({ length: random.below(6) }, line);
    return random.pick(["", "", "\uFEFF"]) + lines.join(random.pick(["\n", "\n", "\r\n", "\n\n"]));
}

/** Does one thing to a tree, and says what. */
export async function mutate(random: Random, folder: string): Promise<string> {
    const paths = pathsIn(Buffer.from(folder));
    const path = random.pick(paths);
    const stats = fs.lstatSync(path);
    const at = `${path.subarray(folder.length + 1)}`;
    switch (random.below(10)) {
        case 0:
            fs.rmSync(path, { recursive: true });
            return `removed ${at}`;
        case 1: {
            const to = join(Buffer.from(folder), random.pick(names));
            if (!exists(to)) {
                fs.renameSync(path, to);
            }
            return `renamed ${at} to ${to.subarray(folder.length + 1)}`;
        }
        case 2:
            fs.writeFileSync(`${folder}/.dockerignore`, ignoreFile(random));
            return "other ignore rules";
        case 3:
            fs.appendFileSync(`${folder}/.dockerignore`, "\n# a comment");
            return "a comment in the ignore file";
        case 4:
            fs.chmodSync(folder, 0o700);
            return "permissions of the context itself";
        case 5: {
            const inside = stats.isDirectory() ? path : Buffer.from(folder);
            const added = join(inside, random.pick(names));
            if (!exists(added)) {
                await plant(random, added);
            }
            return `added ${added.subarray(folder.length + 1)}`;
        }
        case 6:
            fs.lutimesSync(path, 1_000_000, 1_000_000);
            return `another time for ${at}`;
        default:
            return change(random, path, stats, at);
    }
}

function change(random: Random, path: Buffer, stats: fs.Stats, at: string): string {
    if (stats.isSymbolicLink()) {
        fs.rmSync(path);
        fs.symlinkSync(random.pick(targets), path);
        return `another target for link ${at}`;
    }
    if (stats.isFile() && random.below(3) > 0) {
        fs.writeFileSync(path, random.pick(contents));
        // Writing takes setuid and setgid away.
        fs.chmodSync(path, stats.mode & 0o7777);
        return `other content for ${at}`;
    }
    fs.chmodSync(path, random.pick(stats.isDirectory() ? folderModes : fileModes));
    return `other permissions for ${at}`;
}

function pathsIn(folder: Buffer): Buffer[] {
    return fs.readdirSync(folder, { encoding: "buffer" }).flatMap((name) => {
        const path = join(folder, name);
        return [path, ...(fs.lstatSync(path).isDirectory() ? pathsIn(path) : [])];
    });
}
