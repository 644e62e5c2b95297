import { setImmediate } from "node:timers/promises";

let last = 0;

/**
 * To be awaited between the pieces of long work that is done at once (reading and hashing files): gives way, every
 * 10 ms, to whatever else this process has to do.
 */
export async function turn(): Promise<void> {
    if (performance.now() - last > 10) {
        await setImmediate();
        last = performance.now();
    }
}
