import { createRequire } from "node:module";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

// The SDK's own copy of gRPC: its client refuses the credentials of another copy.
const grpc = createRequire(require.resolve("@pulumi/pulumi"))("@grpc/grpc-js") as typeof import("@grpc/grpc-js");

export type Severity = "info" | "warning" | "error";

const severities = {
    info: LogSeverity.INFO,
    warning: LogSeverity.WARNING,
    error: LogSeverity.ERROR,
};

/** What the engine shows to the person who waits. */
export class Engine {
    private readonly client: EngineClient;

    /** @param address `HOST:PORT`, the last argument that the engine starts a provider with */
    constructor(address: string) {
        this.client = new EngineClient(address, grpc.credentials.createInsecure());
    }

    /**
     * Says something about a resource.
     *
     * @param ephemeral in the resource's row only, until the next; a line of its own where there is no terminal
     */
    log(severity: Severity, message: string, urn: string, ephemeral = false): void {
        const request = new LogRequest();
        request.setSeverity(severities[severity]);
        request.setMessage(message);
        request.setUrn(urn);
        request.setEphemeral(ephemeral);
        // An engine that is gone ends this process too: see lifetime.ts.
        this.client.log(request, () => undefined);
    }
}
