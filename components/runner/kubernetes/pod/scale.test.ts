import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import type { TLSSocket } from "node:tls";
import { shells } from "../../../../tests/helpers/workbench";
import { PodBench } from "./podBench";

jest.setTimeout(60_000);

interface Request {
    method?: string;
    /** By which the server was found. */
    servername?: unknown;
    url?: string;
    authorization?: string;
    type?: string;
    body: string;
}

/** The part of an API server that a pod speaks with, with a certificate for a name of it. */
class ApiServer {
    readonly requests: Request[] = [];
    answer: [number, object] = [200, {}];
    private readonly server: Server;

    constructor(bench: PodBench, name: string) {
        const keys = path.join(__dirname, "../../keys.sh");
        execFileSync("sh", [
            "-c",
            `. '${keys}' && make_server_keys '${bench.path("server")}' '${bench.path("authority")}' ${name}`,
        ]);
        const [cert, key] = ["cert.pem", "key.pem"].map((file) => readFileSync(bench.path(`server/${file}`)));
        this.server = createServer({ cert, key }, (request, response) => {
            let body = "";
            request.on("data", (chunk) => {
                body += chunk;
            });
            request.on("end", () => {
                const { authorization, "content-type": type } = request.headers;
                const { method, url } = request;
                const { servername } = request.socket as TLSSocket;
                this.requests.push({ servername, method, url, authorization, type, body });
                const [status, object] = this.answer;
                response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(object));
            });
        });
    }

    async listen(): Promise<number> {
        await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
        return (this.server.address() as AddressInfo).port;
    }

    end(): Promise<unknown> {
        this.server.closeAllConnections();
        return new Promise((resolve) => this.server.close(resolve));
    }
}

describe.each(shells)("a pod's scale in %s", (_name, shell) => {
    let bench: PodBench;
    let server: ApiServer;
    beforeEach(() => {
        bench = new PodBench(shell);
        bench.layOut();
    });
    afterEach(async () => {
        await server?.end();
        bench.dispose();
    });

    const start = async (name = "kubernetes.default.svc") => {
        server = new ApiServer(bench, name);
        bench.write("account/ca.crt", bench.read("authority/ca.pem"));
        return server.listen();
    };
    const scaleBy = (change: string, port: number, host = "127.0.0.1") =>
        bench.run(bench.lines(`scale_by '${change}'`), {
            env: { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: String(port) },
        });

    it("is changed over TLS, with the token of its service account", async () => {
        const port = await start();
        server.answer = [200, { kind: "Scale", spec: { replicas: 3 } }];
        expect(await scaleBy('{"spec":{"replicas":3}}', port)).toEqual({ status: 0, stdout: "3\n", stderr: "" });
        expect(server.requests).toEqual([
            {
                servername: "kubernetes.default.svc",
                method: "PATCH",
                url: "/apis/apps/v1/namespaces/demo-prod/statefulsets/arm64-2/scale",
                authorization: "Bearer TOKEN",
                type: "application/merge-patch+json",
                body: '{"spec":{"replicas":3}}',
            },
        ]);
    });

    it("is 0 where the answer has no number", async () => {
        const port = await start();
        server.answer = [200, { kind: "Scale", spec: {}, status: { replicas: 1 } }];
        expect((await scaleBy("{}", port)).stdout).toBe("0\n");
    });

    it("is not changed where that is refused: the reason is the server's", async () => {
        const port = await start();
        server.answer = [403, { kind: "Status", message: 'statefulsets.apps "arm64-2" is forbidden' }];
        expect(await scaleBy("{}", port)).toMatchObject({
            status: 1,
            stdout: "statefulsets.apps 'arm64-2' is forbidden\n",
        });
    });

    it("is asked of no server but the cluster's own", async () => {
        const port = await start("kubernetes.example");
        const { status, stdout } = await scaleBy("{}", port);
        expect(status).toBe(1);
        expect(stdout).toMatch(/^no answer from 127\.0\.0\.1:\d+: .*error/i);
        const other = new PodBench(shell);
        const stranger = new ApiServer(other, "kubernetes.default.svc");
        expect((await scaleBy("{}", await stranger.listen())).status).toBe(1);
        await stranger.end();
        other.dispose();
        expect([...server.requests, ...stranger.requests]).toEqual([]);
    });

    it("is asked of a server by its name where the cluster has one for it: other servers may be at its address", async () => {
        const port = await start("localhost");
        expect((await scaleBy("{}", port, "localhost")).stdout).toBe("0\n");
        expect(server.requests).toMatchObject([{ servername: "localhost" }]);
    });

    it("is not known where nobody answers", async () => {
        const port = await start();
        await server.end();
        expect(await scaleBy("{}", port)).toMatchObject({
            status: 1,
            stdout: expect.stringMatching(/^no answer from /),
        });
    });
});
