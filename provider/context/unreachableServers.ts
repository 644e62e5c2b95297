/** Why a server says nothing; `unreachable` where it did not take the question. */
export interface Unanswered {
    reason: string;
    unreachable?: boolean;
}

/** Remembers the servers that could not be reached: whatever else is asked of them in this run is not waited for. */
export class UnreachableServers {
    private readonly known = new Map<string, Unanswered>();
    private readonly imagesOfRun = new Set<string>();

    /** @param image that is to ask. One that comes again does so in another run, in which servers may be back. */
    begin(image: string): void {
        if (this.imagesOfRun.has(image)) {
            this.imagesOfRun.clear();
            this.known.clear();
        }
        this.imagesOfRun.add(image);
    }

    /** @param server says which it is: called only where a server cannot be reached, or could not before */
    async ask<T extends object>(
        server: () => Promise<string>,
        ask: () => Promise<T | Unanswered>,
    ): Promise<T | Unanswered> {
        const known = this.known.size > 0 ? this.known.get(await server()) : undefined;
        if (known) {
            // Of another address there.
            return { ...known, reason: `its server was asked for another before: ${known.reason}` };
        }
        const answer = await ask();
        if ("unreachable" in answer) {
            this.known.set(await server(), answer);
        }
        return answer;
    }
}
