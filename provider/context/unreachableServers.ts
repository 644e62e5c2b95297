/** Why a server says nothing. */
export interface Unanswered {
    reason: string;
    /** It did not take the question. */
    unreachable?: boolean;
    /** It was not waited for any longer. */
    tooLate?: boolean;
}

/**
 * Remembers the servers that could not be reached: whatever else is asked of them in this run is not waited for. A server is
 * also one of them after two answers in a row that were too late: one alone may be that of a large repository.
 */
export class UnreachableServers {
    private readonly known = new Map<string, Unanswered>();
    private readonly lateOnce = new Set<string>();
    private readonly imagesOfRun = new Set<string>();

    /** @param image that is to ask. One that comes again does so in another run, in which servers may be back. */
    begin(image: string): void {
        if (this.imagesOfRun.has(image)) {
            this.imagesOfRun.clear();
            this.known.clear();
            this.lateOnce.clear();
        }
        this.imagesOfRun.add(image);
    }

    /** @param server says which it is: called only where one did not answer, or did not before */
    async ask<T extends object>(
        server: () => Promise<string>,
        ask: () => Promise<T | Unanswered>,
    ): Promise<T | Unanswered> {
        const before = this.known.size + this.lateOnce.size > 0 ? await server() : "";
        const known = this.known.get(before);
        if (known) {
            // Of another address there.
            return { ...known, reason: `its server was asked for another before: ${known.reason}` };
        }
        const answer = await ask();
        if ("unreachable" in answer || "tooLate" in answer) {
            this.note(await server(), answer);
        } else {
            this.lateOnce.delete(before);
        }
        return answer;
    }

    private note(server: string, answer: Unanswered): void {
        if (answer.tooLate && !this.lateOnce.has(server)) {
            this.lateOnce.add(server);
        } else {
            this.known.set(server, answer);
        }
    }
}
