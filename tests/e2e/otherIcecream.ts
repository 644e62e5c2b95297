import type { ChildProcess } from "node:child_process";
import type { Cluster, ClusterNode } from "../helpers/compileCluster";

/** What a side of icecream begins with: its version, the lowest byte first. */
const helloOf = (version: number) => `Buffer.from(new Uint32Array([${version}]).buffer)`;

/** A scheduler in a node's place, with another version of icecream. It does not become more than that. */
export class OtherScheduler {
    /** How many have asked. */
    asked = 0;
    private readonly process: ChildProcess;

    constructor(cluster: Cluster, { node, version }: { node: ClusterNode; version: number }) {
        const serve = `socket => { console.log(); socket.on("error", () => undefined).write(${helloOf(version)}) }`;
        const script = `require("net").createServer(${serve}).listen(8765, "${node.address}")`;
        this.process = cluster.spawnIn(node, process.execPath, "-e", script);
        this.process.stdout?.on("data", (lines: Buffer) => {
            this.asked += lines.length;
        });
    }

    end(): void {
        this.process.kill("SIGKILL");
    }
}

/** Speaks that version to a node's daemon. Resolves when the daemon has hung up, to the bytes that it said before. */
export function hungUp(
    cluster: Cluster,
    { from, to, version }: { from: ClusterNode; to: ClusterNode; version: number },
): Promise<number[]> {
    const script = `const socket = require("net").connect(10245, "${to.address}");
        socket.write(${helloOf(version)}); socket.pipe(process.stdout)`;
    const child = cluster.spawnIn(from, process.execPath, "-e", script);
    const said: number[] = [];
    child.stdout?.on("data", (bytes: Buffer) => said.push(...bytes));
    return new Promise((resolve) => child.on("close", () => resolve(said)));
}
