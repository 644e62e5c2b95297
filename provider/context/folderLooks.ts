import * as path from "node:path";
import { type FolderOptions, hashFolder } from "./contextHash";
import { ownIgnoreFile } from "./dockerfile";
import { Looks } from "./looks";

/**
 * Hashes of folders: images of one context, as the platforms of an image are, and all services of a repository whose root is
 * their context, share a look at it.
 */
export class FolderLooks {
    private readonly looks: Looks<string>;

    /** @param sharedSeconds after which a look serves nobody else */
    constructor(sharedSeconds = 5) {
        this.looks = new Looks(sharedSeconds);
    }

    /** @param image that asks: its name in the state. Throws as `hashFolder` does. */
    async hash(image: string, folder: string, options: FolderOptions): Promise<string> {
        const key = JSON.stringify([path.resolve(folder), await ownRules(options)]);
        return this.looks.at(image, key, () => hashFolder(folder, options));
    }
}

/** What tells the rules of two Dockerfiles of one context apart: the file, if it has an ignore file of its own. */
async function ownRules({ dockerfile }: FolderOptions): Promise<string | undefined> {
    return dockerfile && (await ownIgnoreFile(dockerfile)) ? path.resolve(dockerfile) : undefined;
}
