/** Asks until there is an answer. @throws Error naming `what` after the limit */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined>, seconds = 60): Promise<T> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
        const found = await ask();
        if (found !== undefined) {
            return found;
        }
        if (Date.now() > end) {
            throw new Error(`${what}: not within ${seconds} s`);
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
}
