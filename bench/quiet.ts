import * as os from "node:os";
import { setTimeout } from "node:timers/promises";

/** Share of all cores. */
const littleBusy = 0.05;

/**
 * Waits until the machine has nothing to do, for what one build leaves to be done is not the next one's time: BuildKit writes
 * the trace of a build three seconds after its end, which took 60 ms of a core for each of 40 builds. At most half a minute, as
 * other machines are never quiet.
 */
export async function quiet(): Promise<void> {
    await setTimeout(4000);
    for (let second = 0; second < 30; second++) {
        const before = processorTimes();
        await setTimeout(1000);
        const after = processorTimes();
        if (after.busy - before.busy < littleBusy * (after.all - before.all)) {
            return;
        }
    }
}

/** Milliseconds of all cores since the machine's start. */
function processorTimes(): { busy: number; all: number } {
    const times = os
        .cpus()
        .map(({ times: { user, nice, sys, irq, idle } }) => ({ busy: user + nice + sys + irq, idle }));
    const busy = times.reduce((sum, one) => sum + one.busy, 0);
    return { busy, all: times.reduce((sum, one) => sum + one.idle, busy) };
}
