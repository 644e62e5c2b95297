import pLimit from "p-limit";

/**
 * Limits how many builds run on a runner at once; the others wait, in the order in which they ask. Forty builds at once on
 * two cores would not end sooner, and might run out of memory.
 */
export class RunnerTurns {
    private readonly limits = new Map<string, { most: number; limit: ReturnType<typeof pLimit> }>();

    /**
     * Runs `task` when it is its turn.
     *
     * @param place what is used
     * @param most how many may use it at once
     * @param onWait is told when it is not its turn yet
     */
    take<T>(place: string, most: number, task: () => Promise<T>, onWait: () => void): Promise<T> {
        let own = this.limits.get(place);
        if (own?.most !== most) {
            own = { most, limit: pLimit(most) };
            this.limits.set(place, own);
        }
        if (own.limit.activeCount >= most) {
            onWait();
        }
        return own.limit(task);
    }
}
