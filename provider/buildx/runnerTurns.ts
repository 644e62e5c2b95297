import pLimit from "p-limit";

/**
 * Turns at what only so many may use at a time, in the order in which they ask: builds on one runner. Two cores with forty
 * builds at once finish none of them sooner, and may run out of memory.
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
