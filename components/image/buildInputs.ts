import type * as pulumi from "@pulumi/pulumi";
import { architectures, type Platform } from "../architecture";
import type { MultiPlatformImage } from "./multiPlatformImage";

/** The inputs of an image's build that may differ from platform to platform. */
export interface BuildInputs {
    /**
     * Folder of the build context, relative to the project, or the URL of a git repository or a tarball. `{arch}` in it
     * stands for the architecture, as in `amd64`.
     */
    context: string;
    /**
     * Path of the Dockerfile, relative to the project, in a git repository relative to its context; a full path is one of
     * this machine, and in no state. `{arch}` as above.
     * @default `Dockerfile` in the context
     */
    dockerfile?: string;
    /** Stage of the Dockerfile to build. @default the last one */
    target?: string;
    /** Build arguments. Not for secrets: they stay in the image's history. */
    args?: { [name: string]: pulumi.Input<string> };
    /**
     * Named contexts, for `FROM NAME` and `COPY --from=NAME`: a folder, a URL, `docker-image://REF`, or another
     * multi-platform image, which is then used by the digest of the platform that is asked for.
     */
    contexts?: { [name: string]: string | MultiPlatformImage };
}

/** Further options of buildx, the same for every platform, with values as `docker buildx build` takes them. */
export interface BuildOptions {
    /** SSH agents or keys for `RUN --mount=type=ssh` and git contexts: `default`, or `ID=PATH`. @default none */
    ssh?: string[];
    /** Labels of each platform's image. @default none */
    labels?: { [name: string]: string };
    /** OCI annotations by their keys in buildx: `NAME` for each platform's manifest, `index:NAME`, and so on. @default none */
    annotations?: { [name: string]: string };
    /**
     * Labels `org.opencontainers.image.revision` and, of a folder, `.created` from the commit of a context that is in git. They
     * name the commit that was built: another commit alone rebuilds nothing. @default false
     */
    sourceLabels?: boolean;
    /** A provenance attestation: `true`, `"min"` or `"max"`. @default false */
    provenance?: boolean | "min" | "max";
    /** An SBOM attestation: `true`, or the reference of the image that makes it. @default false */
    sbom?: boolean | string;
    /** Network of `RUN`. A runner that does not grant `host` refuses it. */
    network?: "default" | "none" | "host";
    /** Size of `/dev/shm`, as in `128m`. */
    shmSize?: string;
    /** As in `nofile=1024:4096`. @default none */
    ulimits?: string[];
    /** Entries of `/etc/hosts`, as in `db.internal:10.0.0.5`. @default none */
    addHosts?: string[];
    /**
     * Hands the build argument COMPILE_CLUSTER to the Dockerfile, by which compile jobs go to the compile cluster that the
     * runners are in: to those that are awake, or with `wake` to all, which are woken for it. It changes nothing in what is
     * built, so a change of it alone builds nothing. @default none: everything is compiled on the runner that builds
     */
    compileCluster?: "awake" | "wake";
    /** Build every step anew. @default false */
    noCache?: boolean;
    /** Any text: when it changes, the image is built anew, with its `FROM`s pulled anew. @default none */
    trigger?: string;
    /**
     * Caches to import and export besides `cache`, in buildx's own words. `{arch}` becomes the platform's suffix: platforms
     * that export to one place overwrite each other. @default none
     */
    cacheFrom?: string[];
    cacheTo?: string[];
    /** Options handed to `docker buildx build` as they are. Those that this program sets are refused. @default none */
    options?: string[];
}

const buildOptions: readonly (keyof BuildOptions)[] = [
    ...(["ssh", "labels", "annotations", "sourceLabels", "provenance", "sbom", "network", "shmSize"] as const),
    ...(["ulimits", "addHosts", "compileCluster", "noCache", "trigger", "cacheFrom", "cacheTo", "options"] as const),
];

/** The options that are set. What is written out of their defaults is not: it makes no other image. */
export function optionsOf(args: BuildOptions): BuildOptions {
    const isDefault = (value: unknown) => !value || (typeof value === "object" && Object.keys(value).length === 0);
    return Object.fromEntries(buildOptions.flatMap((name) => (isDefault(args[name]) ? [] : [[name, args[name]]])));
}

/** The inputs of one platform: the image's, with the platform's own in their place. */
export function inputsFor(
    platform: Platform,
    args: BuildInputs & { overrides?: { [P in Platform]?: Partial<BuildInputs> } },
): BuildInputs {
    const own = args.overrides?.[platform] ?? {};
    const { context, dockerfile, target } = { ...args, ...own };
    return {
        context: forArchitecture(context, platform),
        dockerfile: dockerfile && forArchitecture(dockerfile, platform),
        target,
        args: { ...args.args, ...own.args },
        contexts: { ...args.contexts, ...own.contexts },
    };
}

/** Replaces `{arch}`. */
export function forArchitecture(text: string, platform: Platform): string {
    return text.replaceAll("{arch}", architectures[platform].suffix);
}
