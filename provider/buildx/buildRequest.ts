import type { BuildOptions } from "../../components/image/buildInputs";
import { refuseSecrets } from "../../components/settings/secretMistakes";
import type { ContextSource } from "../context/contexts";
import { parseGitContext } from "../context/gitContext";

/** A build for one platform: what is handed to `docker buildx build`. Plain values, all resolved. */
export interface BuildRequest extends Omit<BuildOptions, "sourceLabels" | "trigger" | "compileCluster"> {
    /** Name of the builder to build on. */
    builder: string;
    platform: string;
    /** Folder of the build context, or the URL of a git repository or an archive. */
    context: string;
    /** Path of the Dockerfile. @default `Dockerfile` in the context */
    dockerfile?: string;
    /** Named contexts: a folder, a URL, `docker-image://REF`, `oci-layout://PATH`; or an image's reference by platform. */
    contexts?: { [name: string]: ContextSource };
    target?: string;
    /** Build arguments. They are in the process list while the build runs, and in the image's history for ever. */
    args?: { [name: string]: string };
    /** By id; texts, of 128 kB at most. */
    secrets?: { [id: string]: string };
    /** `HOST/NAME:TAG` of the image; at least one. */
    tags: string[];
    /** Ask the registry for every base anew. */
    pull?: boolean;
}

/** A request whose named contexts each have a single place. */
export type ResolvedRequest = BuildRequest & { contexts?: { [name: string]: string } };

/** The arguments of buildx, and further variables of its environment. */
export interface BuildCommand {
    words: string[];
    environment: { [name: string]: string };
}

/**
 * `docker buildx build` for a request. Secrets go through the environment, under names of ours: everybody on the machine
 * could read them in arguments.
 *
 * @param metadataFile where buildx writes the digest
 * @throws where the environment cannot take a secret
 */
export function buildCommand(request: ResolvedRequest, metadataFile: string): BuildCommand {
    const { words: secrets, environment } = secretsOf(request);
    const words = [
        ...firstWords(request),
        ...flag("metadata-file", metadataFile),
        "--push",
        ...flags("tag", request.tags),
        ...flag("file", request.dockerfile),
        ...flag("target", request.target),
        ...pairs("build-context", request.contexts),
        ...pairs("build-arg", { BUILDKIT_BUILD_NAME: buildName(request.tags), ...request.args }),
        ...secrets,
        ...flags("cache-from", request.cacheFrom),
        ...flags("cache-to", request.cacheTo),
        ...flags("ssh", agents(request)),
        ...pairs("label", request.labels),
        ...pairs("annotation", withPrefix("manifest:", request.annotations)),
        // Both are always set: buildx's defaults differ from version to version.
        ...flag("provenance", attestation(request.provenance, "mode")),
        ...flag("sbom", attestation(request.sbom, "generator")),
        ...flag("network", request.network),
        ...flag("shm-size", request.shmSize),
        ...flags("ulimit", request.ulimits),
        ...flags("add-host", request.addHosts?.map(field)),
        ...(request.noCache ? ["--no-cache"] : []),
        ...(request.pull ? ["--pull"] : []),
        ...lastWords(request),
    ];
    return { words, environment };
}

/**
 * `docker buildx build` that builds nothing and prints, as JSON, the stages of a request's Dockerfile and its text. It has
 * what says where the Dockerfile is, and what opens the way there.
 *
 * @throws as `buildCommand`
 */
export function dockerfileCommand(request: ResolvedRequest): BuildCommand {
    const { words: secrets, environment } = secretsOf(request);
    const words = [
        ...firstWords(request),
        "--call=targets,format=json",
        ...flag("file", request.dockerfile),
        ...pairs("build-arg", request.args),
        ...secrets,
        ...flags("ssh", agents(request)),
        ...lastWords(request),
    ];
    return { words, environment };
}

function firstWords({ builder, platform }: ResolvedRequest): string[] {
    return ["build", ...flag("builder", builder), ...flag("platform", platform), ...flag("progress", "rawjson")];
}

function secretsOf({ secrets = {} }: ResolvedRequest): BuildCommand {
    refuseSecrets(secrets);
    const environment: BuildCommand["environment"] = {};
    const words = Object.entries(secrets).map(([id, value], at) => {
        const variable = `NATIVE_BUILDX_SECRET_${at}`;
        environment[variable] = value;
        return `--secret=${fields({ id, env: variable })}`;
    });
    return { words, environment };
}

/** The user's own options, and the context: behind `--` even a context whose name begins with a dash is no option. */
function lastWords({ options = [], context }: ResolvedRequest): string[] {
    return [...options, "--", context];
}

/** The build's name in `docker buildx history`, which otherwise has names only on the machine that built. */
function buildName([tag = ""]: string[]): string {
    return tag.slice(tag.lastIndexOf("/") + 1);
}

/** With the caller's agent for contexts in git over ssh: buildx adds it only for the main context, and only if `ssh` is empty. */
function agents({ context, contexts = {}, ssh = [] }: ResolvedRequest): string[] {
    const hasDefault = ssh.some((agent) => /^default(=|$)/.test(agent));
    const isOverSsh = (source: string) => /^(ssh:\/\/|[^/:@]+@)/.test(parseGitContext(source)?.remote ?? "");
    return !hasDefault && [context, ...Object.values(contexts)].some(isOverSsh) ? [...ssh, "default"] : ssh;
}

function flag(name: string, value: string | undefined): string[] {
    return value ? [`--${name}=${value}`] : [];
}

function flags(name: string, values: string[] = []): string[] {
    return values.map((value) => `--${name}=${value}`);
}

function pairs(name: string, values: { [key: string]: string } = {}): string[] {
    return Object.entries(values).map(([key, value]) => `--${name}=${key}=${value}`);
}

/** An annotation with what it is about: without that, buildx would read it from before a colon in the name. */
function withPrefix(prefix: string, values: { [key: string]: string } = {}): { [key: string]: string } {
    return Object.fromEntries(Object.entries(values).map(([key, value]) => [prefix + key, value]));
}

function attestation(value: boolean | string | undefined, key: string): string {
    return typeof value === "string" ? fields({ [key]: value }) : String(value ?? false);
}

/** Values that buildx splits at commas, as CSV. */
function fields(values: { [key: string]: string }): string {
    return Object.entries(values)
        .map(([key, value]) => field(`${key}=${value}`))
        .join(",");
}

function field(text: string): string {
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
