import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import type { BuildRequest } from "./buildRequest";
import { withBuildx } from "./buildx";
import { nameContext } from "./contextName";
import { dockerfileOf } from "./contexts";
import { stageDockerfile } from "./dockerfile";
import { kindOf } from "./gitContext";
import type { Here } from "./here";
import { isInteractive } from "./interactivity";
import type { PlatformImageInputs } from "./platformImage";
import { hostOf } from "./reference";
import type { Work } from "./resource";
import type { BuildResult } from "./runBuild";
import { sourceLabels } from "./sourceLabels";

/** Builds and pushes one platform's image, on a runner that serves. */
export async function buildImage(inputs: PlatformImageInputs, here: Here, work: Work): Promise<BuildResult> {
    const staged = await Staging.of(inputs, here.project);
    try {
        const labels = inputs.sourceLabels ? await sourceLabels(inputs, here.project) : {};
        const request = { ...requestOf(inputs, staged), labels: { ...labels, ...inputs.labels } };
        const logins = here.login ? [here.login] : [];
        const noProxyHosts = inputs.tags.map(hostOf);
        return await withBuildx({ logins, noProxyHosts, signal: work.signal }, (buildx) =>
            buildx.build(request, {
                folder: here.project,
                onProgress: work.status,
                isInteractive: isInteractive(),
            }),
        );
    } finally {
        await staged.end();
    }
}

/** Where buildx finds what is on this machine: contexts under names of their own, and a copy of the Dockerfile. */
class Staging {
    dockerfile: string | undefined;
    readonly folders = new Map<string, string>();
    private readonly ends: (() => Promise<unknown>)[] = [];

    static async of(inputs: PlatformImageInputs, project: string): Promise<Staging> {
        const staged = new Staging();
        try {
            await staged.stage(inputs, project);
        } catch (error) {
            await staged.end();
            throw error;
        }
        return staged;
    }

    private async stage(inputs: PlatformImageInputs, project: string): Promise<void> {
        for (const source of [inputs.context, ...Object.values(inputs.contexts)]) {
            if (typeof source === "string" && kindOf(source) === "folder" && !this.folders.has(source)) {
                const named = await nameContext(path.resolve(project, source), inputs.builder);
                this.ends.push(named.done);
                this.folders.set(source, named.path);
            }
        }
        const dockerfile = await dockerfileOf(inputs, project);
        if (dockerfile) {
            const folder = await mkdtemp(path.join(tmpdir(), "native-buildx-dockerfile-"));
            this.ends.push(() => rm(folder, { recursive: true, force: true }));
            this.dockerfile = await stageDockerfile(dockerfile, folder);
        } else {
            this.dockerfile = inputs.dockerfile;
        }
    }

    async end(): Promise<void> {
        await Promise.all(this.ends.map((end) => end()));
    }
}

function requestOf(inputs: PlatformImageInputs, staged: Staging): BuildRequest {
    const { sourceLabels: _, trigger, ...options } = inputs;
    const placeOf = (source: string) => staged.folders.get(source) ?? source;
    return {
        ...options,
        context: placeOf(inputs.context),
        dockerfile: staged.dockerfile,
        contexts: Object.fromEntries(
            Object.entries(inputs.contexts).map(([name, source]) => [
                name,
                typeof source === "string" ? placeOf(source) : source,
            ]),
        ),
        // Whoever wants a new build of the same files wants what they are built on anew.
        pull: trigger !== undefined,
    };
}
