import { setImmediate } from "node:timers/promises";

let last = 0;

/**
 * To be awaited between the pieces of long synchronous work (reading and hashing files): every 10 ms it lets this process do
 * what else it has to do.
 */
export async function turn(): Promise<void> {
    if (performance.now() - last > 10) {
        await setImmediate();
        last = performance.now();
    }
}
