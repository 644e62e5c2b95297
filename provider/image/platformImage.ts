import { randomUUID } from "node:crypto";
import * as path from "node:path";
import type { Platform } from "../../components/architecture";
import type { BuildOptions } from "../../components/image/buildInputs";
import { refuseSecrets } from "../../components/settings/secretMistakes";
import { type Connections, runnerKey, type Waking, type Woken } from "../buildx/connectScript";
import { BuildFailure } from "../buildx/runBuild";
import { RunnerTurns } from "../buildx/runnerTurns";
import { type ContextSource, hashContexts } from "../context/contexts";
import { FolderLooks } from "../context/folderLooks";
import { fromProject } from "../context/fromProject";
import { RemoteLooks, type RemoteVersions } from "../context/remoteLooks";
import { type Here, HereMemory } from "../process/here";
import type { BuildWarning } from "../progress/buildProgress";
import { rounded, type StoredReceipt, storedReceipt } from "../progress/receipt";
import { Warnings } from "../progress/warnings";
import { differences, type ResourceType, type Work } from "../resource";
import { buildImage } from "./imageBuild";
import { repositoryOf } from "./reference";
import { changedSince, lookAgain, type Tagged } from "./registryLook";
import { refuseMissingSshFiles } from "./sshFiles";
import { tagAgain } from "./tagAgain";
import { wakeHelpers } from "./wakeHelpers";

/** What is built. Paths are relative to the project's folder, so that they are the same on every machine. */
export interface PlatformImageInputs extends BuildOptions {
    platform: Platform;
    /** Name of the runner that builds it. */
    runner: string;
    /** Name of the builder that has this runner alone. */
    builder: string;
    /** Folder or URL of the build context. */
    context: string;
    /** Not by its full path, which is kept in `here`. @default `Dockerfile` in the context */
    dockerfile?: string;
    target?: string;
    args: { [name: string]: string };
    /** Named contexts. */
    contexts: { [name: string]: ContextSource };
    /** By id; secret. */
    secrets: { [id: string]: string };
    /** Full references to push, at least one. */
    tags: string[];
    /** When the repository was made: a new one has none of the images. */
    repositoryMade?: string;
    cacheFrom: string[];
    cacheTo: string[];
    /** In no state. */
    here?: Here;
    /** Computed by check: what is in the folders, the Dockerfile and the ignore files. */
    contextHash?: string;
    /** Computed by check: the commits of contexts in git, by their addresses. */
    commits?: RemoteVersions["commits"];
    /** Computed by check, where there are any: the versions of contexts that are archives, by their addresses. */
    archives?: RemoteVersions["archives"];
}

export type PlatformImageOutputs = PlatformImageInputs & Tagged & { receipt: StoredReceipt };

/** Whether a change of it makes another image. Runner, builder and compile cluster are only where it is made. */
const makesAnother: { [P in keyof Required<PlatformImageInputs>]: boolean } = {
    platform: true,
    runner: false,
    builder: false,
    context: true,
    dockerfile: true,
    target: true,
    args: true,
    contexts: true,
    secrets: true,
    tags: true,
    repositoryMade: true,
    cacheFrom: true,
    cacheTo: true,
    here: false,
    contextHash: true,
    commits: true,
    archives: true,
    ssh: true,
    labels: true,
    annotations: true,
    sourceLabels: true,
    provenance: true,
    sbom: true,
    network: true,
    shmSize: true,
    ulimits: true,
    addHosts: true,
    compileCluster: false,
    noCache: true,
    trigger: true,
    options: true,
};
const parts = (Object.keys(makesAnother) as (keyof PlatformImageInputs)[]).filter((name) => makesAnother[name]);

/** An image for one platform. Its creation and its update wake the runner, build on it and push. */
export class PlatformImageResource implements ResourceType<PlatformImageInputs, PlatformImageOutputs> {
    private readonly memory = new HereMemory();
    private readonly looks = new FolderLooks();
    private readonly remoteLooks = new RemoteLooks();
    private readonly turns = new RunnerTurns();
    private readonly warnings = new Warnings();

    constructor(private readonly connections: Connections) {}

    async check(
        inputs: PlatformImageInputs,
        work: Work,
        olds: Partial<PlatformImageInputs>,
    ): Promise<PlatformImageInputs> {
        refuseSecrets(inputs.secrets);
        const given = this.memory.remember(work.urn, withDockerfileHere(inputs));
        const here = this.memory.of(work.urn);
        const kept = fromProject(given, here.project);
        const contextHash = await hashContexts(withDockerfileOf(here, kept), here.project, (folder, options) =>
            this.looks.hash(work.urn, folder, options),
        );
        const { commits, archives, notAsked } = await this.remoteLooks.versions(work.urn, kept, here.project, olds);
        const warnings = notAsked.map((text) => ({ key: text, text }));
        this.warnings.sayOnce(repositoryOf(kept.tags[0] ?? ""), warnings, work);
        // Left out where there are none: states of images without archives have never had it.
        return { ...kept, contextHash, commits, ...(Object.keys(archives).length > 0 ? { archives } : {}) };
    }

    changes(olds: PlatformImageOutputs, news: PlatformImageInputs): string[] {
        return [...differences<PlatformImageInputs>(olds, news, parts), ...changedSince(olds)];
    }

    async create(inputs: PlatformImageInputs, work: Work): Promise<{ id: string; outputs: PlatformImageOutputs }> {
        return { id: randomUUID(), outputs: await this.build(inputs, work) };
    }

    update(inputs: PlatformImageInputs, work: Work, olds: PlatformImageOutputs): Promise<PlatformImageOutputs> {
        return this.build(inputs, work, olds);
    }

    read(outputs: PlatformImageOutputs, work: Work): Promise<PlatformImageOutputs | undefined> {
        return lookAgain(outputs, work);
    }

    private async build(
        inputs: PlatformImageInputs,
        work: Work,
        olds?: PlatformImageOutputs,
    ): Promise<PlatformImageOutputs> {
        const here = this.memory.of(work.urn);
        refuseMissingSshFiles(inputs.ssh, here.project);
        const asked = performance.now();
        const build = () => this.buildInTurn(inputs, here, work, asked, olds);
        return this.turns.take(runnerKey(here.connect, inputs.builder), here.buildsPerRunner, build, () =>
            work.status("waiting for its turn"),
        );
    }

    private async buildInTurn(
        inputs: PlatformImageInputs,
        here: Here,
        work: Work,
        asked: number,
        olds: PlatformImageOutputs | undefined,
    ): Promise<PlatformImageOutputs> {
        work.signal.throwIfAborted();
        const began = new Date().toISOString();
        const seen = this.remoteLooks.commitsSeenBy(work.urn);
        const { seconds: waking, on } = await this.wake({ ...inputs, asked }, here, work);
        const warn = (warnings: BuildWarning[]) =>
            this.warnings.sayOnce(repositoryOf(inputs.tags[0] ?? ""), warnings, work);
        const pushed = new Set<string>();
        const onPush = (digest: string) => pushed.add(digest);
        const building = buildImage(withDockerfileOf(here, inputs), here, work, { seen, onPush });
        const built = await building.catch(async (error) => {
            warn(error instanceof BuildFailure ? error.warnings : []);
            await tagAgain(here, inputs.tags, olds, async () => [...pushed]);
            throw error;
        });
        this.connections.served(here.connect, inputs.builder);
        warn(built.warnings);
        const seconds = `${built.receipt.total.toFixed(1)} s (waking ${waking.toFixed(1)} s)`;
        work.log("info", `${work.urn.split("::").at(-1)}: built for ${inputs.platform} in ${seconds}`);
        return {
            ...inputs,
            contextHash: builtHash(inputs.contextHash, built.contextHash, work),
            digest: built.digest,
            ref: `${inputs.tags[0]}@${built.digest}`,
            receipt: storedReceipt({
                ...built.receipt,
                runner: inputs.runner,
                ...(on ? { on } : {}),
                began,
                waking: rounded(waking),
            }),
        };
    }

    /**
     * Wakes its runner, and those that help it. What connect warns of, such as an emulation, stays when the row of the image is
     * gone; once in a run for all images on the runner.
     */
    private async wake({ builder, runner, asked }: Waking, here: Here, work: Work): Promise<Woken> {
        const tell = (line: string) => {
            if (line.includes("WARNING: ")) {
                this.warnings.sayOnce(builder, [{ key: line, text: line }], work);
            } else {
                work.status(line);
            }
        };
        const [woken, helping] = await Promise.all([
            this.connections.connect(here.connect, { builder, runner, asked }, tell, work.signal),
            wakeHelpers(this.connections, here, work),
        ]);
        return { ...woken, seconds: Math.max(woken.seconds, helping) };
    }
}

/** The inputs with a Dockerfile by its full path where no state sees it. */
function withDockerfileHere(inputs: PlatformImageInputs): PlatformImageInputs {
    const { dockerfile, here, ...others } = inputs;
    return here && dockerfile && path.isAbsolute(dockerfile) ? { ...others, here: { ...here, dockerfile } } : inputs;
}

function withDockerfileOf(here: Here, inputs: PlatformImageInputs): PlatformImageInputs {
    return here.dockerfile ? { ...inputs, dockerfile: here.dockerfile } : inputs;
}

/**
 * The hash of what was built: the hash from before the build, unless a file was changed during it. Then nobody knows what is
 * in the image, and the next `up` builds again.
 */
function builtHash(before: string | undefined, after: string | undefined, work: Work): string | undefined {
    if (after === before) {
        return before;
    }
    work.log("warning", "a file of its context was changed while it was built: run pulumi up again");
    return "changed while it was built";
}
