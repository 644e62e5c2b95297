import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { ContextSource } from "../../provider/context/contexts";
import type { Receipt } from "../../provider/progress/receipt";
import { architectures, type Platform } from "../architecture";
import type { RemoteBuilder } from "../builder/remoteBuilder";
import type { RegistryLoginInput, RegistryLogins } from "../registry/registryLogin";
import { type BuildInputs, type BuildOptions, forArchitecture, inputsFor, optionsOf } from "./buildInputs";
import { Index } from "./imageIndex";
import { PlatformImage } from "./platformImage";

export interface MultiPlatformImageArgs extends BuildInputs, BuildOptions {
    builder: RemoteBuilder;
    /** `host/name` to push to. */
    repository: pulumi.Input<string>;
    /** When the repository was made, say: where this changes, it holds none of the images, and they are pushed anew. */
    repositoryMade?: pulumi.Input<string>;
    /** Login of the repository's registry, or a function that asks for one when it is needed. @default none */
    login?: RegistryLoginInput | RegistryLogins;
    /** @default the builder's */
    platforms?: readonly Platform[];
    /**
     * Tags of the index; each platform's image has them with `-amd64` or `-arm64` behind. None may end like that itself,
     * nor be `cache`: see below. @default ["latest"]
     */
    tags?: string[];
    /** Secrets for `RUN --mount=type=secret,id=NAME`, by id. They are in no layer and, in the state, secret. */
    secrets?: { [id: string]: pulumi.Input<string> };
    /**
     * Where the build cache goes besides the runner itself. `registry` keeps it, all stages included, beside the image
     * under the tag `cache-amd64` or `cache-arm64`: for runners whose own cache may be lost. `none` saves that time.
     * @default "registry"
     */
    cache?: "registry" | "none";
    /** What is different for a platform: replaces the inputs above, key by key (`args` and `contexts` are merged). */
    overrides?: { [P in Platform]?: Partial<BuildInputs> };
}

/**
 * An image for several platforms: one image a platform, each built on its own runner with its own cache, in parallel,
 * then an index that joins them in the registry, read back to see that every platform is there.
 */
export class MultiPlatformImage extends pulumi.ComponentResource {
    /** `repo:tag@sha256:...` of the index, under the first tag. */
    readonly ref: pulumi.Output<string>;
    /** The same of each platform's image. */
    readonly platformRefs: { readonly [P in Platform]?: pulumi.Output<string> };
    /** What each platform's build took. */
    readonly receipts: { readonly [P in Platform]?: pulumi.Output<Receipt> };

    constructor(name: string, args: MultiPlatformImageArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:MultiPlatformImage", name, {}, opts);
        const platforms = args.platforms ?? args.builder.platforms;

        const images = platforms.map((platform) => this.buildPlatform(name, platform, args));
        this.platformRefs = Object.fromEntries(platforms.map((platform, at) => [platform, images[at]?.ref]));
        this.receipts = Object.fromEntries(platforms.map((platform, at) => [platform, images[at]?.receipt]));
        this.ref = this.joinPlatforms(name, platforms, args);
        this.registerOutputs({ ref: this.ref, platformRefs: this.platformRefs });
    }

    private buildPlatform(name: string, platform: Platform, args: MultiPlatformImageArgs): PlatformImage {
        const { suffix } = architectures[platform];
        const inputs = inputsFor(platform, args);
        const repository = pulumi.output(args.repository);
        const { cacheFrom, cacheTo, ...options } = optionsOf(args);
        const cache = cachesOf(args, suffix);
        return new PlatformImage(
            `${name}-${suffix}`,
            {
                platform,
                builder: args.builder.builderOf(platform),
                context: inputs.context,
                dockerfile: inputs.dockerfile,
                target: inputs.target,
                args: pulumi.output(inputs.args ?? {}),
                contexts: namedContexts(platform, inputs),
                secrets: pulumi.output(args.secrets ?? {}),
                tags: tagsOf(args).map((tag) => pulumi.interpolate`${repository}:${tag}-${suffix}`),
                cacheFrom: pulumi.all([...cache.from, ...(cacheFrom ?? [])]),
                cacheTo: pulumi.all([...cache.to, ...(cacheTo ?? [])]),
                repositoryMade: args.repositoryMade,
                ...options,
                here: args.builder.here(loginAfter(basesOf(platform, inputs), args)),
            },
            pulumi.mergeOptions(args.builder.imageOptions(platform), { parent: this }),
        );
    }

    private joinPlatforms(
        name: string,
        platforms: readonly Platform[],
        args: MultiPlatformImageArgs,
    ): pulumi.Output<string> {
        const sources = platforms.map((platform) => this.platformRefs[platform] as pulumi.Output<string>);
        return new Index(
            name,
            {
                builder: args.builder.builder,
                tags: tagsOf(args).map((tag) => pulumi.interpolate`${args.repository}:${tag}`),
                sources,
                platforms: [...platforms],
                annotations: args.annotations,
                repositoryMade: args.repositoryMade,
                here: args.builder.here(loginAfter(sources, args)),
            },
            { parent: this },
        ).ref;
    }
}

function tagsOf(args: MultiPlatformImageArgs): string[] {
    return args.tags?.length ? args.tags : ["latest"];
}

/** The registry's cache, as an image: ECR, and other registries, take a cache in no other form. */
function cachesOf(args: MultiPlatformImageArgs, suffix: string): { [way in "from" | "to"]: pulumi.Output<string>[] } {
    if (args.cache === "none") {
        return { from: [], to: [] };
    }
    const cache = pulumi.interpolate`type=registry,ref=${args.repository}:cache-${suffix}`;
    return { from: [cache], to: [pulumi.interpolate`${cache},mode=max,image-manifest=true,oci-mediatypes=true`] };
}

function loginAfter(
    after: pulumi.Output<unknown>[],
    { login }: MultiPlatformImageArgs,
): RegistryLoginInput | undefined {
    return typeof login === "function" ? login(after) : login;
}

/** What has to be built before a platform's image can be. */
function basesOf(platform: Platform, { contexts = {} }: BuildInputs): pulumi.Output<string>[] {
    return Object.values(contexts).flatMap((source) =>
        typeof source === "string" ? [] : (source.platformRefs[platform] ?? []),
    );
}

function namedContexts(platform: Platform, inputs: BuildInputs): { [name: string]: pulumi.Input<ContextSource> } {
    const all = asksForPlatforms(inputs);
    return Object.fromEntries(
        Object.entries(inputs.contexts ?? {}).map(([name, source]) => [
            name,
            typeof source === "string" ? forArchitecture(source, platform) : imageContext(platform, name, source, all),
        ]),
    );
}

/** Another image by digest: the platform's own, or where the Dockerfile may ask for others, each by its platform. */
function imageContext(
    platform: Platform,
    name: string,
    { platformRefs }: MultiPlatformImage,
    all: boolean,
): pulumi.Output<ContextSource> {
    const own = platformRefs[platform];
    if (!own) {
        throw new pulumi.RunError(`Context ${name} is an image that is not built for ${platform}.`);
    }
    const contextOf = (ref: pulumi.Output<string>) => pulumi.interpolate`docker-image://${ref}`;
    return all
        ? pulumi.output(Object.fromEntries(Object.entries(platformRefs).map(([other, ref]) => [other, contextOf(ref)])))
        : contextOf(own);
}

/**
 * Whether a `FROM --platform` of the Dockerfile may name a base for another platform. Where none does, an image need not
 * wait for the other platforms of its bases.
 */
function asksForPlatforms({ context, dockerfile }: BuildInputs): boolean {
    const file = path.resolve(dockerfile ?? path.join(context, "Dockerfile"));
    return !existsSync(file) || /^\s*FROM\s+--platform/im.test(readFileSync(file, "utf8"));
}
