import * as path from "node:path";
import { type FolderOptions, hashFolder } from "./contextHash";
import { ownIgnoreFile } from "./dockerfile";

interface Look {
    hash: Promise<string>;
    /** In ms; undefined while it goes on. */
    ended?: number;
    servedTo: Set<string>;
}

/**
 * Hashes of folders for the images of one `up`, which are checked one after another: images of one context, as the platforms
 * of an image are, and all services of a repository whose root is their context, share a look at it. An image that asks
 * again gets a new look.
 */
export class FolderLooks {
    private readonly looks = new Map<string, Look>();

    /** @param sharedSeconds after which a look serves nobody else */
    constructor(private readonly sharedSeconds = 5) {}

    /** @param image that asks: its name in the state. Throws as `hashFolder` does. */
    async hash(image: string, folder: string, options: FolderOptions): Promise<string> {
        const key = JSON.stringify([path.resolve(folder), await ownRules(options)]);
        const known = this.looks.get(key);
        const look = known && this.serves(known, image) ? known : this.begin(key, folder, options);
        look.servedTo.add(image);
        return look.hash;
    }

    private serves({ ended, servedTo }: Look, image: string): boolean {
        return !servedTo.has(image) && (ended === undefined || performance.now() - ended < this.sharedSeconds * 1000);
    }

    private begin(key: string, folder: string, options: FolderOptions): Look {
        const hash = hashFolder(folder, options).then((digest) => digest.hash);
        const look: Look = { hash, servedTo: new Set() };
        this.looks.set(key, look);
        hash.then(
            () => {
                look.ended = performance.now();
            },
            () => this.looks.delete(key),
        );
        return look;
    }
}

/** What tells the rules of two Dockerfiles of one context apart: the file, if it has an ignore file of its own. */
async function ownRules({ dockerfile }: FolderOptions): Promise<string | undefined> {
    return dockerfile && (await ownIgnoreFile(dockerfile)) ? path.resolve(dockerfile) : undefined;
}
