import type { Platform } from "../architecture";
import { runConnectScript } from "./connectRunner";

/** For so many seconds after a runner was seen to serve, the next image does not ask again. */
const trustSeconds = 5;

/** Seconds between two proofs that a runner serves, unless its idle time asks for more of them. */
const longestHeartbeatSeconds = 60;

/**
 * Connects runners while the program runs: several side by side, and keeps awake what it woke. The
 * docker-build provider remembers a runner's address for the whole `pulumi up`, so a runner that stopped and woke
 * elsewhere in the middle of it would be lost to it.
 */
export class Wakefulness {
    private readonly connections = new Map<Platform, Promise<void>>();
    private readonly seenServing = new Map<Platform, number>();
    private readonly heartbeats = new Set<Platform>();
    private preparation: Promise<void> | undefined;

    /**
     * @param script resolves to the connect script
     * @param idleSeconds after which a runner stops; 0: never
     */
    constructor(
        private readonly script: () => Promise<string>,
        private readonly idleSeconds: number,
    ) {}

    /** Wakes and registers a platform's runner, unless it was just seen to serve. Resolves to the seconds it took. */
    async connect(platform: Platform, onProgress?: (line: string) => void): Promise<number> {
        const started = performance.now();
        if (started - (this.seenServing.get(platform) ?? Number.NEGATIVE_INFINITY) < trustSeconds * 1000) {
            return 0;
        }
        const connection = this.connections.get(platform) ?? this.start(platform, onProgress);
        this.connections.set(platform, connection);
        try {
            await connection;
        } finally {
            this.connections.delete(platform);
        }
        return (performance.now() - started) / 1000;
    }

    /** Starts what has to run besides the runners: the local registry. */
    prepare(): Promise<void> {
        const preparation = this.preparation ?? this.script().then((script) => runConnectScript(script, ["--prepare"]));
        this.preparation = preparation;
        // What failed is tried again for the next index.
        preparation.catch(() => {
            this.preparation = undefined;
        });
        return preparation;
    }

    private async start(platform: Platform, onProgress?: (line: string) => void): Promise<void> {
        const script = await this.script();
        await runConnectScript(script, [platform], onProgress);
        this.seenServing.set(platform, performance.now());
        this.keepAwake(platform, script);
    }

    private keepAwake(platform: Platform, script: string): void {
        if (this.heartbeats.has(platform)) {
            return;
        }
        this.heartbeats.add(platform);
        const seconds = Math.min(longestHeartbeatSeconds, this.idleSeconds / 3 || longestHeartbeatSeconds);
        const timer = setInterval(() => {
            // One that fails says nothing: the build on that runner, or the next image's connect, will.
            runConnectScript(script, ["--keep-awake", platform]).catch(() => undefined);
        }, seconds * 1000);
        // It must not keep the program alive.
        timer.unref();
    }
}
