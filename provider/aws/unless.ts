/** What a call to AWS resolves to, or undefined where AWS refuses it by this error code. */
export async function unless<T>(code: string, work: Promise<T>): Promise<T | undefined> {
    try {
        return await work;
    } catch (error) {
        if ((error as Error).name === code) {
            return undefined;
        }
        throw error;
    }
}
