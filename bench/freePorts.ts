import { createServer } from "node:net";

/** The first of so many free ports in a row. */
export async function freePorts(count: number): Promise<number> {
    for (let attempt = 0; attempt < 100; attempt++) {
        const first = 20_000 + Math.floor(Math.random() * 10_000);
        const free = await Promise.all(Array.from({ length: count }, (_, at) => isFree(first + at)));
        if (free.every(Boolean)) {
            return first;
        }
    }
    throw new Error(`bench: no ${count} free ports in a row between 20000 and 30000`);
}

function isFree(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const server = createServer();
        server.once("error", () => resolve(false));
        server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
    });
}
