import { connect } from "node:http2";

/**
 * Ends this process when the engine that started it is gone, because nobody else would. A killed engine sends no signal, and
 * the SDK's handler of uncaught errors would write to the closed pipe for ever.
 *
 * It ends by `process.exit`, also by a signal, so that listeners of `exit` can still end what this process has started and
 * remove what it has left.
 *
 * @param engineAddress HOST:PORT, the last argument of every provider
 */
export function endWithEngine(engineAddress: string): void {
    const end = () => process.exit(1);
    for (const stream of [process.stdout, process.stderr]) {
        stream.on("error", end);
    }
    for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
        process.on(signal, end);
    }
    // gRPC is HTTP/2: a connection without a call costs nothing, and tells at once. `close` follows an `error`.
    const connection = connect(`http://${engineAddress}`);
    connection.on("error", () => undefined);
    connection.on("close", end);
    // A provider lives as long as it serves, not because of this connection.
    connection.unref();
}
