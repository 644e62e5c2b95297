import type { Connections } from "../buildx/connectScript";
import type { Here } from "../process/here";
import type { Work } from "../resource";

/**
 * Wakes the runners that are to compile for a build. It does without a runner that cannot be woken, and says so. Resolves to
 * the seconds it took. One that could not be woken is not waited for again in this run.
 */
export async function wakeHelpers(
    connections: Pick<Connections, "connect">,
    { connect, helpers = [] }: Pick<Here, "connect" | "helpers">,
    { signal, log }: Pick<Work, "signal" | "log">,
): Promise<number> {
    const started = performance.now();
    const wakings = helpers.map(async ({ builder, runner }) => {
        try {
            await connections.connect(connect, { builder, runner, asked: 0 }, () => undefined, signal);
        } catch (error) {
            if (!signal.aborted) {
                const reason = error instanceof Error ? error.message : String(error);
                log("warning", `runner ${runner} could not be woken, and does not compile for this build: ${reason}`);
            }
        }
    });
    await Promise.all(wakings);
    return helpers.length > 0 ? (performance.now() - started) / 1000 : 0;
}
