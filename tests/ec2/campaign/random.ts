/** Random choices that a seed repeats. */
export class Random {
    private state: number;

    /** @param seed a whole number below 2^32 */
    constructor(readonly seed: number) {
        this.state = seed >>> 0;
    }

    /** From 0 to below 1. Mulberry32: small, and good enough to choose with. */
    next(): number {
        this.state = (this.state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    }

    /** A whole number from `least` to `most`. */
    between(least: number, most: number): number {
        return least + Math.floor(this.next() * (most - least + 1));
    }

    pick<T>(things: readonly T[]): T {
        const chosen = things[this.between(0, things.length - 1)];
        if (chosen === undefined) {
            throw new Error("there is nothing to choose from");
        }
        return chosen;
    }
}
