interface Look<T> {
    seen: Promise<T>;
    /** In ms; undefined while it goes on. */
    ended?: number;
    servedTo: Set<string>;
}

/**
 * Looks at what images are made of, for the images of one `up`, which are checked one after another: images that ask for the
 * same share a look at it. An image that asks again gets a new look.
 */
export class Looks<T> {
    private readonly looks = new Map<string, Look<T>>();

    /** @param sharedSeconds after which a look serves nobody else @default it serves the whole run */
    constructor(private readonly sharedSeconds = Number.POSITIVE_INFINITY) {}

    /**
     * @param image that asks: its name in the state
     * @param key what is looked at
     * @param begin looks; a look that throws serves nobody else
     */
    at(image: string, key: string, begin: () => Promise<T>): Promise<T> {
        const known = this.looks.get(key);
        const look = known && this.serves(known, image) ? known : this.begin(key, begin);
        look.servedTo.add(image);
        return look.seen;
    }

    private serves({ ended, servedTo }: Look<T>, image: string): boolean {
        return !servedTo.has(image) && (ended === undefined || performance.now() - ended < this.sharedSeconds * 1000);
    }

    private begin(key: string, begin: () => Promise<T>): Look<T> {
        const look: Look<T> = { seen: begin(), servedTo: new Set() };
        this.looks.set(key, look);
        look.seen.then(
            () => {
                look.ended = performance.now();
            },
            () => this.looks.delete(key),
        );
        return look;
    }
}
