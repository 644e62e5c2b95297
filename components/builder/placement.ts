import { createHash } from "node:crypto";

/**
 * Spreads images over the runners of a platform. An image gets the same runner at every `up`, where its cache is warm: its
 * name decides which runner it prefers, and it gets another only while the preferred runner has two images more than
 * that. A runner that is added takes over some images, and leaves the others where they are.
 */
export class Placement {
    private readonly taken = new Map<string, number>();

    /** @param runners names, at least one */
    constructor(runners: readonly string[]) {
        for (const runner of runners) {
            this.taken.set(runner, 0);
        }
    }

    /** The runner that builds the image of this name. */
    place(image: string): string {
        const least = Math.min(...this.taken.values());
        const [runner = ""] = [...this.taken]
            .filter(([, images]) => images <= least + 1)
            .map(([name]) => name)
            .sort((one, other) => weight(image, one).localeCompare(weight(image, other)));
        this.taken.set(runner, (this.taken.get(runner) ?? 0) + 1);
        return runner;
    }
}

/** Rendezvous hashing: the runner with the least value is preferred. */
function weight(image: string, runner: string): string {
    return createHash("sha256").update(`${image} ${runner}`).digest("hex");
}
