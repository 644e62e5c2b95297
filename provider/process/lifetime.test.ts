import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";
import type { Readable } from "node:stream";

jest.setTimeout(60_000);

type Child = ChildProcessByStdio<null, Readable, Readable>;

describe("a provider", () => {
    const started: Child[] = [];

    function start(script: string, ...args: string[]): Child {
        const child = spawn(process.execPath, ["--import=tsx", path.join(__dirname, script), ...args], {
            stdio: ["ignore", "pipe", "pipe"],
        });
        started.push(child);
        return child;
    }

    /** The next line that a process says. */
    async function line(child: Child): Promise<string> {
        for await (const text of child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
            return String(text).trim();
        }
        throw new Error("it ended without a word");
    }

    /** A provider that serves, connected to a living engine. */
    async function startBoth(...args: string[]): Promise<{ engine: Child; provider: Child }> {
        const engine = start("standInEngine.ts");
        const provider = start("standInProvider.ts", await line(engine), ...args);
        await Promise.all([line(engine), line(provider)]);
        expect(provider.exitCode).toBeNull();
        return { engine, provider };
    }

    const ended = (child: Child) =>
        child.exitCode === null && child.signalCode === null ? once(child, "exit") : Promise.resolve();

    afterEach(() => {
        for (const child of started.splice(0)) {
            child.kill("SIGKILL");
        }
    });

    it("ends when its engine is killed, though its pipes are still read", async () => {
        const { engine, provider } = await startBoth();
        engine.kill("SIGKILL");
        await ended(provider);
        expect(provider.exitCode).toBe(1);
    });

    it.each(["SIGHUP", "SIGINT", "SIGTERM"] as const)(
        "ends by itself at %s, so that it can clear up",
        async (signal) => {
            const { provider } = await startBoth();
            provider.kill(signal);
            await ended(provider);
            expect(provider.exitCode).toBe(1);
        },
    );

    it("ends when its engine had gone before it came", async () => {
        const engine = start("standInEngine.ts");
        const address = await line(engine);
        engine.kill("SIGKILL");
        await ended(engine);
        await ended(start("standInProvider.ts", address));
    });

    it.each(["stdout", "stderr"] as const)("ends when nobody reads its %s any more", async (stream) => {
        const { engine, provider } = await startBoth(stream);
        provider[stream].destroy();
        await ended(provider);
        expect(engine.exitCode).toBeNull();
    });
});
