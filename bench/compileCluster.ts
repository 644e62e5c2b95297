import * as fs from "node:fs/promises";
import * as path from "node:path";
import { Cluster } from "../tests/helpers/compileCluster";
import type { Measurement, Note } from "./figures";
import type { Sandbox } from "./sandbox";

/** Stages of bench/compileCluster/Dockerfile, in which something is made by one runner with a core or by two. */
const stages: { [stage: string]: Measurement } = {
    home: "compileOneCore",
    together: "compileCluster",
    preprocessed: "preprocessOneCore",
};

/** A library, compiled by a runner with one core, and by two of them that are a compile cluster. */
export class ClusterBench {
    private constructor(
        private readonly cluster: Cluster,
        private readonly context: string,
    ) {}

    /** Runs `action` with runners that are ready, and ends them. */
    static async with(sandbox: Sandbox, action: (bench: ClusterBench) => Promise<void>): Promise<void> {
        await sandbox.addLibrary("x264", []);
        const cluster = new Cluster();
        try {
            const [library, context] = [path.join(sandbox.project, "x264"), path.join(cluster.folder, "context")];
            await fs.cp(path.join(__dirname, "compileCluster"), context, { recursive: true });
            await fs.cp(path.join(library, "app/source"), path.join(context, "source"), { recursive: true });
            await fs.link(path.join(library, "base/amd64/rootfs.tar"), path.join(context, "rootfs.tar"));
            await cluster.start();
            await cluster.joined();
            const bench = new ClusterBench(cluster, context);
            // The compilers are sent once.
            await bench.measure(() => undefined);
            await action(bench);
        } finally {
            await cluster.end();
        }
    }

    async measure(note: Note): Promise<void> {
        for (const [stage, name] of Object.entries(stages)) {
            const args = { COMPILE_CLUSTER: "/dev/.compile-cluster/bin", AGAIN: String(Date.now()) };
            const output = path.join(this.cluster.folder, "out");
            const { seconds } = await this.cluster.first.build(this.context, output, args, "linux/amd64", stage);
            const [, made] = Object.entries(seconds).find(([step]) => /RUN .*make --jobs/.test(step)) ?? [];
            if (made === undefined) {
                throw new Error(`no step "make" was run for ${stage}`);
            }
            note(name, made);
        }
    }
}
