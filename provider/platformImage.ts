import { randomUUID } from "node:crypto";
import type { Platform } from "../components/architecture";
import type { BuildOptions } from "../components/image/buildInputs";
import { buildOn } from "./build";
import type { ContextSource } from "./buildRequest";
import { Connections } from "./connectScript";
import { hashContexts } from "./contexts";
import { type Here, HereMemory } from "./here";
import type { Receipt } from "./receipt";
import { differences, type ResourceType, type Work } from "./resource";
import { Turns } from "./turns";
import { Warnings } from "./warnings";

/** What is built: paths are relative to the project's folder, and no machine's. */
export interface PlatformImageInputs extends BuildOptions {
    platform: Platform;
    /** Name of the builder that has this platform's runner alone. */
    builder: string;
    /** Folder or URL of the build context. */
    context: string;
    /** @default `Dockerfile` in the context */
    dockerfile?: string;
    target?: string;
    args: { [name: string]: string };
    /** Named contexts. */
    contexts: { [name: string]: ContextSource };
    /** By id; secret. */
    secrets: { [id: string]: string };
    /** Full references to push, one at least. */
    tags: string[];
    cacheFrom: string[];
    cacheTo: string[];
    /** In no state. */
    here?: Here;
    /** Computed by check: what is in the contexts, the Dockerfile and the ignore files. */
    contextHash?: string;
}

export interface PlatformImageOutputs extends PlatformImageInputs {
    digest: string;
    /** `repo:tag@sha256:...`, under the first tag. */
    ref: string;
    receipt: Receipt;
}

/** Whatever of these is another, is another image. The builder is only where it is made. */
const parts = [
    ...(["platform", "context", "dockerfile", "target", "args", "contexts", "secrets", "tags", "contextHash"] as const),
    ...(["cacheFrom", "cacheTo", "ssh", "labels", "annotations", "sourceLabels", "provenance", "sbom"] as const),
    ...(["network", "shmSize", "ulimits", "addHosts", "noCache", "trigger", "options"] as const),
];

/** An image for one platform. Its creation and its update wake the runner, build on it and push. */
export class PlatformImageResource implements ResourceType<PlatformImageInputs, PlatformImageOutputs> {
    private readonly memory = new HereMemory();
    private readonly connections = new Connections();
    private readonly turns = new Turns();
    private readonly warnings = new Warnings();

    async check(inputs: PlatformImageInputs, work: Work): Promise<PlatformImageInputs> {
        const kept = this.memory.remember(work.urn, inputs);
        const { hash, unknown } = await hashContexts(kept, this.memory.of(work.urn).project);
        for (const reason of unknown) {
            work.log("warning", reason);
        }
        return { ...kept, contextHash: hash };
    }

    changes(olds: PlatformImageOutputs, news: PlatformImageInputs): string[] {
        return differences<PlatformImageInputs>(olds, news, parts);
    }

    async create(inputs: PlatformImageInputs, work: Work): Promise<{ id: string; outputs: PlatformImageOutputs }> {
        return { id: randomUUID(), outputs: await this.build(inputs, work) };
    }

    update(inputs: PlatformImageInputs, work: Work): Promise<PlatformImageOutputs> {
        return this.build(inputs, work);
    }

    private async build(inputs: PlatformImageInputs, work: Work): Promise<PlatformImageOutputs> {
        const here = this.memory.of(work.urn);
        work.status("waiting for its turn");
        return this.turns.take(inputs.builder, here.buildsPerRunner, async () => {
            work.signal.throwIfAborted();
            const { connect } = here;
            const waking = await this.connections.connect(
                connect,
                inputs.builder,
                inputs.platform,
                work.status,
                work.signal,
            );
            const { digest, receipt, warnings } = await buildOn(inputs, here, work, waking);
            this.warnings.sayOnce(warnings, work);
            return { ...inputs, digest, ref: `${inputs.tags[0]}@${digest}`, receipt };
        });
    }
}
