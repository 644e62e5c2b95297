import { createServer, type Server } from "node:net";
import { isFree } from "../../components/localMachine/ports";

/** So many ports on 127.0.0.1 that nobody uses, all different. */
export async function freePorts(count: number): Promise<number[]> {
    const servers = await Promise.all(
        Array.from({ length: count }, async () => {
            const server = createServer();
            await new Promise<void>((resolve, reject) => {
                server.once("error", reject);
                server.listen(0, "127.0.0.1", resolve);
            });
            return server;
        }),
    );
    const ports = servers.map((server) => (server.address() as { port: number }).port);
    await Promise.all(servers.map((server: Server) => new Promise((resolve) => server.close(resolve))));
    return ports;
}

/** The first of so many ports on 127.0.0.1 in a row, ten at most, that nobody uses. */
export async function freePortsInRow(count: number): Promise<number> {
    // Test files that run side by side choose among different ones.
    const range = 20_000 + (Number(process.env.JEST_WORKER_ID ?? 1) % 4) * 2_500;
    for (let attempt = 0; attempt < 100; attempt++) {
        const first = range + Math.floor(Math.random() * 250) * 10;
        const free = await Promise.all(Array.from({ length: count }, (_, at) => isFree(first + at)));
        if (free.every(Boolean)) {
            return first;
        }
    }
    throw new Error(`no ${count} free ports in a row between ${range} and ${range + 2_500}`);
}
