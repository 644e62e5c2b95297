import { connect } from "node:http2";

/**
 * Ends this process with the engine that started it. A killed engine sends no signal, and the SDK's handler of uncaught
 * errors answers a closed pipe by writing to it, for ever.
 *
 * @param engineAddress HOST:PORT, the last argument of every provider
 */
export function endWithEngine(engineAddress: string): void {
    const end = () => process.exit(1);
    process.stdout.on("error", end);
    process.stderr.on("error", end);
    // gRPC is HTTP/2. `close` follows an `error`; the connection does not keep this process alive.
    const engine = connect(`http://${engineAddress}`).on("error", () => undefined);
    engine.on("close", end).unref();
}
