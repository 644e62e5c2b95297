import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { dataFolder } from "../../components/dataFolder";
import type { BuildRequest } from "../buildx/buildRequest";
import { withBuildx } from "../buildx/buildx";
import type { BuildResult } from "../buildx/runBuild";
import { contextKind } from "../context/contextKind";
import { type NamedContext, nameContext } from "../context/contextName";
import { dockerfileOf } from "../context/contexts";
import { stageDockerfile } from "../context/dockerfile";
import type { Here } from "../process/here";
import { isInteractive } from "../process/interactivity";
import type { Work } from "../resource";
import type { PlatformImageInputs } from "./platformImage";
import { hostOf } from "./reference";
import { sourceLabels } from "./sourceLabels";

/** Builds and pushes one platform's image, on a runner that serves. */
export async function buildImage(inputs: PlatformImageInputs, here: Here, work: Work): Promise<BuildResult> {
    const staged = await Staging.of(inputs, here.project, work.urn);
    let built = false;
    try {
        const labels = inputs.sourceLabels ? await sourceLabels(inputs, here.project) : {};
        const request = { ...requestOf(inputs, staged), labels: { ...labels, ...inputs.labels } };
        const logins = here.login ? [here.login] : [];
        const noProxyHosts = inputs.tags.map(hostOf);
        const result = await withBuildx({ logins, noProxyHosts, signal: work.signal }, (buildx) =>
            buildx.build(request, {
                folder: here.project,
                onProgress: work.status,
                isInteractive: isInteractive(),
            }),
        );
        built = true;
        return result;
    } finally {
        await staged.end(built);
    }
}

/** Where buildx finds what is on this machine: contexts under names of their own, and a copy of the Dockerfile. */
class Staging {
    dockerfile: string | undefined;
    /** By name; the main one has none. */
    readonly folders = new Map<string, string>();
    private readonly named: NamedContext[] = [];
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
            this.named.push(named);
            this.folders.set(name, named.path);
        }
        if (dockerfile) {
            this.temporary = await mkdtemp(path.join(tmpdir(), "native-buildx-dockerfile-"));
            this.dockerfile = await stageDockerfile(dockerfile, this.temporary);
        } else {
            this.dockerfile = inputs.dockerfile;
        }
    }

    /** @param arrived whether the contexts were sent to their ends */
    async end(arrived: boolean): Promise<void> {
        await Promise.all(this.named.map((named) => named.done(arrived)));
        if (this.temporary) {
            await rm(this.temporary, { recursive: true, force: true });
        }
    }
}

function requestOf(inputs: PlatformImageInputs, staged: Staging): BuildRequest {
    const { sourceLabels: _, trigger, ...options } = inputs;
    return {
        ...options,
        context: staged.folders.get("") ?? inputs.context,
        dockerfile: staged.dockerfile,
        contexts: Object.fromEntries(
            Object.entries(inputs.contexts).map(([name, source]) => [name, staged.folders.get(name) ?? source]),
        ),
        // Whoever wants a new build of the same files wants what they are built on anew.
        pull: trigger !== undefined,
    };
}
