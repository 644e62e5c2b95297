import * as path from "node:path";
import { dataFolder } from "../../components/localMachine/dataFolder";
import type { BuildRequest } from "../buildx/buildRequest";
import { withBuildx } from "../buildx/buildx";
import { type BuildConditions, BuildFailure, type BuildResult } from "../buildx/runBuild";
import type { ContextEntry } from "../context/contextFiles";
import { digestOf } from "../context/contextHash";
import { contextKind } from "../context/contextKind";
import { type NamedContext, nameContext } from "../context/contextName";
import { hashContexts } from "../context/contexts";
import { dockerfileOf, stageDockerfile } from "../context/dockerfile";
import type { RemoteVersions } from "../context/remoteLooks";
import type { Here } from "../process/here";
import { isInteractive } from "../process/interactivity";
import { makeTemporaryFolder, removeTemporaryFolder } from "../process/temporaryFolder";
import type { Work } from "../resource";
import { atCommits } from "./gitBuild";
import type { PlatformImageInputs } from "./platformImage";
import { sourceLabels } from "./sourceLabels";

/** The result of a build, and the hash of its contexts after it; undefined where they cannot be read any more. */
export type ImageBuild = BuildResult & { contextHash: string | undefined };

/** What is known of a build before it begins, and who is told of what comes. */
interface BuildCourse extends Pick<BuildConditions, "onPush"> {
    /** Commits of contexts in git, by their addresses, which are built whatever has been pushed since; the others are built by name. */
    seen: RemoteVersions["commits"];
}

/** Builds and pushes one platform's image, on a runner that serves. */
export async function buildImage(
    inputs: PlatformImageInputs,
    here: Here,
    work: Work,
    { seen, onPush }: BuildCourse = { seen: {} },
): Promise<ImageBuild> {
    const staged = await Staging.of(inputs, here.project, work.urn);
    let started = false;
    const onStart = () => {
        started = true;
    };
    const result = await build(inputs, staged, here, work, { seen, onStart, onPush }).catch(async (error) => {
        await staged.end(!started || (error instanceof BuildFailure && error.contextsArrived));
        throw error;
    });
    const files = await staged.end(true);
    const hash = async (_folder: string, _options: object, name: string) => digestOf(files(name));
    return { ...result, contextHash: await hashContexts(inputs, here.project, hash).catch(() => undefined) };
}

async function build(
    inputs: PlatformImageInputs,
    staged: Staging,
    here: Here,
    { signal, status, hide }: Work,
    { seen, ...told }: BuildCourse & Pick<BuildConditions, "onStart">,
): Promise<BuildResult> {
    const labels = inputs.sourceLabels ? await sourceLabels(inputs.context, here.project, seen) : {};
    const request = { ...requestOf(inputs, staged), labels: { ...labels, ...inputs.labels } };
    const conditions = { folder: here.project, onProgress: status, isInteractive: isInteractive(), ...told };
    const options = { logins: here.logins ?? [], references: inputs.tags, stack: here.connect, signal, hide };
    return withBuildx(options, (buildx) => atCommits(request, seen, (pinned) => buildx.build(pinned, conditions)));
}

/** Where buildx finds what is on this machine: contexts under names of their own, and a copy of the Dockerfile. */
class Staging {
    dockerfile: string | undefined;
    /** By name; the main one has none. */
    readonly folders = new Map<string, string>();
    private readonly named = new Map<string, NamedContext>();
    private temporary: string | undefined;

    /** @param image that it is for: its name in the state */
    static async of(inputs: PlatformImageInputs, project: string, image: string): Promise<Staging> {
        const staged = new Staging();
        try {
            await staged.stage(inputs, project, image);
        } catch (error) {
            await staged.end(false);
            throw error;
        }
        return staged;
    }

    private async stage(inputs: PlatformImageInputs, project: string, image: string): Promise<void> {
        const dockerfile = dockerfileOf(inputs, project);
        for (const [name, source] of [["", inputs.context] as const, ...Object.entries(inputs.contexts)]) {
            if (typeof source !== "string" || contextKind(source, project, name !== "") !== "folder") {
                continue;
            }
            const named = await nameContext(path.resolve(project, source), {
                store: path.join(dataFolder(), "contexts"),
                builder: inputs.builder,
                use: `${image} ${name}`,
                ...(name === "" ? { dockerfile } : {}),
            });
            this.named.set(name, named);
            this.folders.set(name, named.path);
        }
        if (dockerfile) {
            this.temporary = makeTemporaryFolder();
            this.dockerfile = await stageDockerfile(dockerfile, this.temporary);
        } else {
            this.dockerfile = inputs.dockerfile;
        }
    }

    /**
     * Does not fail: what the build has done, or why it has not, is what counts.
     *
     * @param arrived whether the contexts were sent to their ends
     * @returns what is in each context now, by its name; it throws where that is not known
     */
    async end(arrived: boolean): Promise<(name: string) => ContextEntry[]> {
        const ended = [...this.named].map(async ([name, named]) => [name, await named.done(arrived)] as const);
        const files = new Map((await Promise.allSettled(ended)).flatMap((end) => ("value" in end ? [end.value] : [])));
        if (this.temporary) {
            // What cannot be removed now is tried again when this process exits.
            await removeTemporaryFolder(this.temporary).catch(() => undefined);
        }
        return (name) => {
            const known = files.get(name);
            if (!known) {
                throw new Error(`context ${name} cannot be read any more`);
            }
            return known;
        };
    }
}

/** Where a build step finds the compilers of a compile cluster: components/runner/cluster mounts them. */
const clusterCompilers = "/dev/.compile-cluster/bin";

function requestOf(inputs: PlatformImageInputs, staged: Staging): BuildRequest {
    const { sourceLabels: _, trigger, compileCluster, ...options } = inputs;
    return {
        ...options,
        args: { ...(compileCluster ? { COMPILE_CLUSTER: clusterCompilers } : {}), ...inputs.args },
        context: staged.folders.get("") ?? inputs.context,
        dockerfile: staged.dockerfile,
        contexts: Object.fromEntries(
            Object.entries(inputs.contexts).map(([name, source]) => [name, staged.folders.get(name) ?? source]),
        ),
        // A new build of the same files is for newer base images.
        pull: trigger !== undefined,
    };
}
