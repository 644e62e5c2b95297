import { createHash } from "node:crypto";
import { dockerHub } from "../../components/registry/dockerHub";
import type { RegistryLogin } from "../../components/registry/registryLogin";
import { imagePrefix } from "../context/contextKind";
import type { Hide } from "../hiddenSecrets";
import { registriesHere, registryOf, repositoryOf } from "../image/reference";
import { makeTemporaryFolder, removeTemporaryFolder } from "../process/temporaryFolder";
import { buildError, type ErrorHints } from "../progress/buildError";
import { nothingHidden } from "../progress/plainText";
import type { BuildRequest } from "./buildRequest";
import { writeDockerConfig } from "./dockerConfig";
import { buildxEnvironment } from "./environment";
import { findBuildx } from "./findBuildx";
import { noBuildersIn, runImagetoolsPatiently } from "./imagetools";
import { recordsFolder, shareLogins, stackRecords } from "./records";
import { type BuildConditions, type BuildResult, runBuild } from "./runBuild";
import type { BuildxProgram } from "./runBuildx";

/** Limit of a work in a registry alone, which moves no layers. buildx waits for ever where a registry takes calls and does not answer. */
const limitMinutes = 5;

export interface BuildxOptions {
    /** Logins of these calls, before the caller's own for the same registries. */
    logins: RegistryLogin[];
    /** References that are pushed or read. A registry on this machine is not asked through a proxy. @default none */
    references?: string[];
    /** Key of the connect script of the stack whose builders are used. @default none is used */
    stack?: string;
    /** Hides the secrets of what is built, in all that buildx says. @default there are none */
    hide?: Hide;
    /** Ends what runs, on the runner too. */
    signal?: AbortSignal | undefined;
    /** The caller's environment. @default the process's */
    environment?: NodeJS.ProcessEnv;
}

/**
 * Runs `run` with a buildx that does not depend on the caller's environment: with its own logins in a temporary docker
 * configuration, the caller's logins for other registries, and the caller's builders.
 *
 * @throws where no buildx is found
 */
export async function withBuildx<T>(options: BuildxOptions, run: (buildx: Buildx) => Promise<T>): Promise<T> {
    const caller = options.environment ?? process.env;
    const folder = makeTemporaryFolder();
    try {
        const command = await findBuildx(caller);
        const config = await writeDockerConfig({ folder, logins: options.logins, caller });
        await shareLogins(caller, noBuildersIn(folder));
        const environment = buildxEnvironment(caller, {
            dockerConfig: config.folder,
            records: await (options.stack ? stackRecords(caller, options.stack) : recordsFolder(caller)),
            programs: config.programs,
            noProxyHosts: hasProxy(caller) ? await registriesHere(options.references ?? []) : [],
        });
        const hints = async (reference: string) => ({
            credentialFailures: await config.failures(),
            login: refusedLogin(options.logins, registryOf(reference)),
        });
        const { signal, hide = nothingHidden } = options;
        return await run(new Buildx({ command, environment, folder, hide, signal }, hints));
    } finally {
        await removeTemporaryFolder(folder);
    }
}

function hasProxy(caller: NodeJS.ProcessEnv): boolean {
    return Object.entries(caller).some(([name, value]) => /^(https?|all)_proxy$/i.test(name) && value);
}

/** What to do where a registry refuses the login. */
function refusedLogin(logins: RegistryLogin[], registry: string): ErrorHints["login"] {
    const login = logins.find(({ address }) => registryOf(`${address}/`) === registry);
    const byHand = `Log in on this machine: docker login ${registry === dockerHub ? "" : registry}`.trimEnd();
    return { registry, remedy: login ? (login.remedy ?? "") : byHand };
}

/** Stock buildx. Only to be used inside `withBuildx`. */
export class Buildx {
    constructor(
        private readonly program: BuildxProgram,
        private readonly hints: (reference: string) => Promise<ErrorHints>,
    ) {}

    /** The environment of its calls. Whatever else works with its builders must have the same `BUILDX_CONFIG`. */
    get environment(): NodeJS.ProcessEnv {
        return this.program.environment;
    }

    /**
     * Builds and pushes an image for one platform, on a builder that is awake.
     *
     * @throws with the failing step, its last lines and the Dockerfile's line, or with the reason that there is none
     */
    async build(request: BuildRequest, options: BuildConditions = {}): Promise<BuildResult> {
        const contexts = Object.entries(request.contexts ?? {}).map(async ([name, source]) => [
            name,
            typeof source === "string" ? source : `${imagePrefix}${await this.joinPlatforms(source)}`,
        ]);
        const resolved = { ...request, contexts: Object.fromEntries(await Promise.all(contexts)) };
        return runBuild(this.program, resolved, options, () => this.hints(request.tags[0] ?? ""));
    }

    /**
     * A single reference for an image whose platforms have a reference each, by digest: an index without a tag, so that
     * `FROM --platform=...` gets the platform that it names, or an error. (The frontend would take a context for each
     * platform, `NAME::linux/arm64`, but `buildx build` refuses such a name.)
     */
    private async joinPlatforms(refs: { [platform: string]: string }): Promise<string> {
        const sources = Object.values(refs).map((ref) => ref.replace(/^docker-image:\/\//, ""));
        const repository = repositoryOf(sources[0] ?? "");
        const tag = `${repository}:index`;
        const index = await this.imagetools(tag, ["create", "--dry-run", `--tag=${tag}`, "--", ...sources]);
        const ref = `${repository}@${digestOfPrinted(index)}`;
        await this.imagetools(ref, ["create", "--progress=rawjson", `--tag=${ref}`, "--", ...sources]);
        return ref;
    }

    /**
     * Joins images, or indexes of one platform with its attestations, to one index under all these tags. Needs no runner.
     *
     * @returns the index's digest, computed here and not asked for by a tag, which somebody else may have moved
     * @throws with what the registry said
     */
    async joinIndex(index: IndexRequest): Promise<string> {
        const [tag = ""] = index.tags;
        const pushing = this.imagetools(tag, ["create", "--progress=rawjson", ...indexWords(index)]);
        const digest = this.digestOfIndex(index);
        // Neither is left alone where the other fails.
        await Promise.allSettled([pushing, digest]);
        await pushing;
        return digest;
    }

    /** The digest of what `joinIndex` makes, which is not made. @throws with what the registry said */
    async digestOfIndex(index: IndexRequest): Promise<string> {
        return digestOfPrinted(
            await this.imagetools(index.tags[0] ?? "", ["create", "--dry-run", ...indexWords(index)]),
        );
    }

    /** Gives what is in the registry further tags there. @throws with what the registry said */
    async tag(ref: string, tags: string[]): Promise<void> {
        const words = tags.map((tag) => `--tag=${tag}`);
        await this.imagetools(ref, ["create", "--prefer-index=false", "--progress=rawjson", ...words, "--", ref]);
    }

    /**
     * Reads what is in the registry under a reference; best by digest.
     *
     * @throws with what the registry said
     */
    async readIndex(ref: string): Promise<RegistryIndex> {
        return JSON.parse(
            (await this.imagetools(ref, ["inspect", "--raw", "--", ref])).toString("utf8"),
        ) as RegistryIndex;
    }

    /** Where a tag leads now. @throws with what the registry said */
    async digestOf(ref: string): Promise<string> {
        return digestOfBytes(await this.imagetools(ref, ["inspect", "--raw", "--", ref]));
    }

    /** The same, where nothing has to be there. */
    find(ref: string): Promise<Found> {
        return this.digestOf(ref).catch(({ message }: Error) => (/: not found$/m.test(message) ? "none" : "unknown"));
    }

    /** Standard output of `buildx imagetools`. @throws with what the registry said */
    private async imagetools(reference: string, words: string[]): Promise<Buffer> {
        const { signal } = this.program;
        const limit = AbortSignal.timeout(limitMinutes * 60_000);
        const limited = { ...this.program, signal: signal ? AbortSignal.any([signal, limit]) : limit };
        const end = await runImagetoolsPatiently(limited, words);
        if (signal?.aborted) {
            throw new Error("canceled");
        }
        if (end.code !== 0 && limit.aborted) {
            throw new Error(`registry ${registryOf(reference)} did not answer within ${limitMinutes} minutes`);
        }
        if (end.code !== 0) {
            throw new Error(buildError(end, [], await this.hints(reference)));
        }
        return end.output;
    }
}

/** What is joined. */
export interface IndexRequest {
    tags: string[];
    sources: string[];
    /** By their keys in buildx, as in `index:NAME`. */
    annotations?: { [key: string]: string };
}

function indexWords({ tags, sources, annotations = {} }: IndexRequest): string[] {
    const annotated = Object.entries(annotations).map(([key, value]) => `--annotation=${key}=${value}`);
    return [...annotated, ...tags.map((tag) => `--tag=${tag}`), "--", ...sources];
}

/** A digest; none if the registry says so; unknown if it does not answer, or not to this caller. */
export type Found = string | "none" | "unknown";

/** An index as it is in the registry; an image has no `manifests`. */
export interface RegistryIndex {
    manifests?: IndexEntry[];
    annotations?: { [name: string]: string };
}

/** A child of an index. */
export interface IndexEntry {
    digest: string;
    platform?: { os: string; architecture: string; variant?: string };
    annotations?: { [name: string]: string };
}

/** The digest of the index that `imagetools create --dry-run` printed: the bytes that it would push, and a newline. */
function digestOfPrinted(printed: Buffer): string {
    return digestOfBytes(printed.subarray(0, -1));
}

function digestOfBytes(bytes: Buffer): string {
    return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
