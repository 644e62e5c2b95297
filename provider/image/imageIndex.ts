import { randomUUID } from "node:crypto";
import type { Platform } from "../../components/architecture";
import { type Buildx, type IndexEntry, withBuildx } from "../buildx/buildx";
import type { Connections } from "../buildx/connectScript";
import { type Here, HereMemory } from "../process/here";
import { differences, type ResourceType, type Work } from "../resource";
import { indexMistakes } from "./indexMistakes";
import { changedSince, lookAgain, type Tagged } from "./registryLook";
import { tagAgain } from "./tagAgain";

export interface ImageIndexInputs {
    /** Name of the stack's builder. */
    builder: string;
    /** Full references that it gets, at least one. */
    tags: string[];
    /** The platforms' images, by digest. */
    sources: string[];
    /** Exactly these. */
    platforms: Platform[];
    /** OCI annotations: `index:NAME` of the index, `manifest-descriptor[PLATFORM]:NAME` beside a manifest. @default none */
    annotations?: { [name: string]: string };
    /** When the repository was made: a new one has no index. */
    repositoryMade?: string;
    /** In no state. */
    here?: Here;
}

export type ImageIndexOutputs = ImageIndexInputs & Tagged;

/**
 * An index that joins the images of several platforms, in the registry: no layer is moved, no runner is needed. It is read
 * back by its digest, and its tags move last. Its removal leaves it in the registry.
 */
export class ImageIndexResource implements ResourceType<ImageIndexInputs, ImageIndexOutputs> {
    private readonly memory = new HereMemory();

    constructor(private readonly connections: Connections) {}

    async check(inputs: ImageIndexInputs, { urn }: Work): Promise<ImageIndexInputs> {
        return this.memory.remember(urn, inputs);
    }

    changes(olds: ImageIndexOutputs, news: ImageIndexInputs): string[] {
        return [
            ...differences<ImageIndexInputs>(olds, news, [
                "tags",
                "sources",
                "platforms",
                "annotations",
                "repositoryMade",
            ]),
            ...changedSince(olds),
        ];
    }

    async create(inputs: ImageIndexInputs, work: Work): Promise<{ id: string; outputs: ImageIndexOutputs }> {
        return { id: randomUUID(), outputs: await this.join(inputs, work) };
    }

    update(inputs: ImageIndexInputs, work: Work, olds: ImageIndexOutputs): Promise<ImageIndexOutputs> {
        return this.join(inputs, work, olds);
    }

    read(outputs: ImageIndexOutputs, work: Work): Promise<ImageIndexOutputs | undefined> {
        return lookAgain(outputs, work);
    }

    private async join(inputs: ImageIndexInputs, work: Work, olds?: ImageIndexOutputs): Promise<ImageIndexOutputs> {
        const here = this.memory.of(work.urn);
        await this.connections.prepare(here.connect, work.signal);
        work.status(`joining ${inputs.platforms.join(" and ")}`);
        const options = { logins: here.logins ?? [], references: inputs.tags, signal: work.signal, hide: work.hide };
        const digest = await withBuildx(options, async (buildx) => {
            const joined = await buildx.joinIndex(inputs);
            await verify(buildx, `${inputs.tags[0]}@${joined}`, inputs);
            return joined;
        }).catch(async (error) => {
            await tagAgain(here, inputs.tags, olds, async (buildx) => [await buildx.digestOfIndex(inputs)]);
            throw error;
        });
        return { ...inputs, digest, ref: `${inputs.tags[0]}@${digest}` };
    }
}

async function verify(buildx: Buildx, ref: string, { sources, platforms }: ImageIndexInputs): Promise<void> {
    const manifests = (await buildx.readIndex(ref)).manifests ?? [];
    const children = await Promise.all(sources.map((source) => childrenOf(buildx, source, manifests)));
    const mistakes = indexMistakes(manifests, platforms, children.flat());
    if (mistakes.length > 0) {
        throw new Error(`Index ${ref} ${mistakes.join(", ")}: it was pushed, but is not what was declared.`);
    }
}

/** What an image contributes to an index: itself, or if it has attestations, and so is an index itself, its children. */
async function childrenOf(buildx: Buildx, source: string, manifests: IndexEntry[]): Promise<string[]> {
    const digest = source.split("@")[1] ?? "";
    if (manifests.some((manifest) => manifest.digest === digest)) {
        return [digest];
    }
    return ((await buildx.readIndex(source)).manifests ?? []).map((manifest) => manifest.digest);
}
