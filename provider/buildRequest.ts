/** A build for one platform: what is handed to `docker buildx build`. Plain values, all resolved. */
export interface BuildRequest {
    /** Name of the builder to build on. */
    builder: string;
    platform: string;
    /** Folder of the build context, or the URL of a git repository or an archive. */
    context: string;
    /** Path of the Dockerfile. @default `Dockerfile` in the context */
    dockerfile?: string;
    /** Named contexts: a folder, a URL, `docker-image://REF`, `oci-layout://PATH`; or an image's reference by platform. */
    contexts?: { [name: string]: string | { [platform: string]: string } };
    target?: string;
    /** Build arguments. They are in the process list while the build runs, and in the image's history for ever. */
    args?: { [name: string]: string };
    /** By id; bytes intact. */
    secrets?: { [id: string]: string };
    /** `HOST/NAME:TAG` of the image; at least one. */
    tags: string[];
    /** As buildx writes them: `type=registry,ref=...`. */
    cacheFrom?: string[];
    cacheTo?: string[];
    /** `default`, `ID=SOCKET` or `ID=KEY`. */
    ssh?: string[];
    labels?: { [name: string]: string };
    annotations?: { [name: string]: string };
    /** @default false */
    provenance?: boolean | "min" | "max";
    /** True, or the image that makes it. @default false */
    sbom?: boolean | string;
    /** Of the RUN steps. @default "default" */
    network?: "default" | "none" | "host";
    /** Of /dev/shm: `128m`. */
    shmSize?: string;
    /** `nofile=1024:4096`. */
    ulimits?: string[];
    /** `NAME:ADDRESS`. */
    addHosts?: string[];
    noCache?: boolean;
    /** Ask the registry for every base anew. */
    pull?: boolean;
    /** Handed to buildx as they are; see `optionMistakes`. */
    options?: string[];
}

/** A request whose named contexts have one place each. */
export type ResolvedRequest = BuildRequest & { contexts?: { [name: string]: string } };

/** The arguments of buildx, and what has to be in its environment besides. */
export interface BuildCommand {
    words: string[];
    environment: { [name: string]: string };
}

/** Longest secret, in bytes: what the kernel takes as one variable. */
const longestSecret = 128 * 1024 - 100;

/**
 * `docker buildx build` for a request. Secrets go through the environment, under names of ours: as arguments everybody
 * on the machine could read them.
 *
 * @param metadataFile where buildx writes the digest
 * @throws where a secret is longer than the environment takes
 */
export function buildCommand(request: ResolvedRequest, metadataFile: string): BuildCommand {
    const environment: BuildCommand["environment"] = {};
    const secrets = Object.entries(request.secrets ?? {}).map(([id, value], at) => {
        if (Buffer.byteLength(value) > longestSecret) {
            throw new Error(
                `Secret ${id} is longer than ${longestSecret} bytes, which is more than buildx can be given.`,
            );
        }
        const variable = `NATIVE_BUILDX_SECRET_${at}`;
        environment[variable] = value;
        return fields({ id, env: variable });
    });
    const words = [
        "build",
        ...flag("builder", request.builder),
        ...flag("platform", request.platform),
        ...flag("progress", "rawjson"),
        ...flag("metadata-file", metadataFile),
        "--push",
        ...flags("tag", request.tags),
        ...flag("file", request.dockerfile),
        ...flag("target", request.target),
        ...pairs("build-context", request.contexts),
        ...pairs("build-arg", request.args),
        ...flags("secret", secrets),
        ...flags("cache-from", request.cacheFrom),
        ...flags("cache-to", request.cacheTo),
        ...flags("ssh", request.ssh),
        ...pairs("label", request.labels),
        ...pairs("annotation", withPrefix("manifest:", request.annotations)),
        // Both always said: what buildx would do by itself depends on its version.
        ...flag("provenance", attestation(request.provenance, "mode")),
        ...flag("sbom", attestation(request.sbom, "generator")),
        ...flag("network", request.network),
        ...flag("shm-size", request.shmSize),
        ...flags("ulimit", request.ulimits),
        ...flags("add-host", request.addHosts?.map(field)),
        ...(request.noCache ? ["--no-cache"] : []),
        ...(request.pull ? ["--pull"] : []),
        ...(request.options ?? []),
        // A context whose name begins with a dash is no option.
        "--",
        request.context,
    ];
    return { words, environment };
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

/** Whom an annotation is about, or buildx would read a colon in its name so. */
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

/** Options of buildx that are not the user's, and what to use in their place. */
const ours: { [option: string]: string } = {
    builder: "the stack's builder is used",
    platform: "use the key platforms",
    progress: "progress is shown by Pulumi",
    quiet: "progress is shown by Pulumi",
    "metadata-file": "the digest is in the stack's outputs",
    iidfile: "the digest is in the stack's outputs",
    push: "every image is pushed",
    load: "every image is pushed; docker pull gets it",
    output: "every image is pushed",
    tag: "use the key tags",
    file: "use the key dockerfile",
    target: "use the key target",
    "build-arg": "use the key args",
    "build-context": "use the key contexts",
    secret: "use the key secrets",
    label: "use the key labels",
    annotation: "use the key annotations",
    ssh: "use the key ssh",
    "cache-from": "use the key cacheFrom",
    "cache-to": "use the key cacheTo",
    provenance: "use the key provenance",
    sbom: "use the key sbom",
    attest: "use the keys provenance and sbom",
    network: "use the key network",
    "shm-size": "use the key shmSize",
    ulimit: "use the key ulimits",
    "add-host": "use the key addHosts",
    "no-cache": "use the key noCache",
    pull: "use the key trigger",
    call: "it builds nothing",
    check: "it builds nothing",
    print: "it builds nothing",
    help: "it builds nothing",
    debug: "it changes what buildx prints",
};

const shorthand: { [letter: string]: string } = { q: "quiet", o: "output", t: "tag", f: "file", h: "help", D: "debug" };

/** What is wrong with `options` of an image: those that are ours, and what is no option. One sentence each. */
export function optionMistakes(options: string[]): string[] {
    return options.flatMap((option) => {
        const long = /^--([a-z][a-z-]*)(=|$)/.exec(option)?.[1];
        const short = /^-([A-Za-z])/.exec(option)?.[1];
        const name = long ?? (short && shorthand[short]);
        const instead = name && Object.hasOwn(ours, name) ? ours[name] : undefined;
        if (instead) {
            return [`option ${option.split("=")[0]} is not the user's: ${instead}`];
        }
        if (name || short) {
            return [];
        }
        return [`${JSON.stringify(option)} is no option: write each as one text, --NAME=VALUE`];
    });
}
