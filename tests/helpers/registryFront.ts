import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Buildkit } from "./buildkit";

/** The real registry, behind one that answers what it is told to by itself. */
export class RegistryFront {
    /** Whether it takes a request on itself. @default none */
    answers: (asked: IncomingMessage, answer: ServerResponse) => boolean = () => false;
    private readonly server: Server;

    constructor(private readonly registry: () => string) {
        this.server = createServer((asked, answer) => {
            if (!this.answers(asked, answer)) {
                this.pass(asked, answer);
            }
        });
    }

    /** `HOST:PORT`. */
    get address(): string {
        return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    start(): Promise<void> {
        return new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    }

    private pass(asked: IncomingMessage, answer: ServerResponse): void {
        const [host, port] = this.registry().split(":");
        const { method, url, headers } = asked;
        const passed = request({ host, port, method, path: url, headers }, (answered) => {
            answer.writeHead(answered.statusCode ?? 500, answered.headers);
            answered.pipe(answer);
        });
        asked.pipe(passed);
    }

    async end(): Promise<void> {
        this.server.closeAllConnections();
        await new Promise((resolve) => this.server.close(resolve));
    }
}

/** For the tests of one file. */
export function frontOf(buildkit: Buildkit): RegistryFront {
    const front = new RegistryFront(() => buildkit.registry);
    beforeAll(() => front.start());
    afterAll(() => front.end());
    return front;
}

/** Whether something is to get a manifest, or a tag, which is the same. */
export function isManifestPush({ method, url = "" }: IncomingMessage, tag = ""): boolean {
    return method === "PUT" && url.includes(`/manifests/${tag}`);
}

/** Answers as registries do that refuse. */
export function refuse(answer: ServerResponse, status: number, code: string, message: string): true {
    answer.writeHead(status, { "content-type": "application/json" });
    answer.end(JSON.stringify({ errors: [{ code, message }] }));
    return true;
}
