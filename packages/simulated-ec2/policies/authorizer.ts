/** Says to a running simulation what the policies of its roles say, so that these are enforced. For tests. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { Call } from "../control";
import { replay } from "./replay";

/** What simulation/front/authorizer.py asks. */
interface Question {
    call: Call;
    /** Those of the role that calls; null: no role does, and everything is allowed. */
    policies: unknown[] | null;
    /** That of the role that is to be assumed. */
    trust: unknown;
}

const everything = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
};

/** Why AWS would refuse the call, in its words; null: it would not. */
export function refusalOf({ call, policies, trust }: Question): string | null {
    const { refused } = replay(
        [call],
        () => policies ?? [everything],
        () => trust ?? undefined,
    );
    const [first] = refused;
    return first
        ? `User: ${first.principal} is not authorized to perform: ${first.action} on resource: ${first.resource} because ${first.why}`
        : null;
}

/** A server on this machine that answers a running simulation. */
export class Authorizer {
    private constructor(private readonly server: Server) {}

    static async start(): Promise<Authorizer> {
        const server = createServer(async (request, response) => {
            try {
                response.end(JSON.stringify({ refusal: refusalOf((await json(request)) as Question) }));
            } catch (error) {
                response.writeHead(500).end(String(error));
            }
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        // It keeps no test process from ending.
        server.unref();
        return new Authorizer(server);
    }

    get url(): string {
        return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    end(): void {
        this.server.close();
        this.server.closeAllConnections();
    }
}
