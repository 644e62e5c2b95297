import * as pulumi from "@pulumi/pulumi";
import { imagePrefix } from "../../provider/context/contextKind";
import type { ContextSource } from "../../provider/context/contexts";
import { dockerfileOf, dockerfileText } from "../../provider/context/dockerfile";
import { isPlainDockerfile, readStages } from "../../provider/context/dockerfileStages";
import type { Receipt } from "../../provider/progress/receipt";
import { architectures, type Platform } from "../architecture";
import type { RemoteBuilder } from "../builder/remoteBuilder";
import type { Registry } from "../registry/registry";
import type { RegistryLogin } from "../registry/registryLogin";
import { pathText, throwMistakes } from "../settings/mistakes";
import { indexAnnotations, manifestAnnotations } from "./annotations";
import { type BuildInputs, type BuildOptions, forArchitecture, inputsFor, optionsOf } from "./buildInputs";
import { imageArgumentMistakes } from "./imageArguments";
import { Index } from "./imageIndex";
import { imageMistakes } from "./imageMistakes";
import { knownSecrets, knownTexts } from "./knownTexts";
import { placeMistakes } from "./placeMistakes";
import { PlatformImage } from "./platformImage";

export interface MultiPlatformImageArgs extends BuildInputs, BuildOptions {
    builder: RemoteBuilder;
    /** Where it is pushed. */
    registry: Registry;
    /** Name that it has there, below what all images of the registry are below. @default the name of this resource */
    repository?: string;
    /** @default the builder's */
    platforms?: readonly Platform[];
    /**
     * Tags of the index; each platform's image has them with `-amd64`, `-arm64` and so on appended. No tag may end like
     * that by itself, nor be `cache`: see below. @default ["latest"]
     */
    tags?: string[];
    /** Secrets for `RUN --mount=type=secret,id=NAME`, by id. They are in no layer and, in the state, secret. */
    secrets?: { [id: string]: pulumi.Input<string> };
    /**
     * Where the build cache goes besides the runner itself. `registry` keeps it, all stages included, beside the image
     * under a tag such as `cache-amd64`, with another `repository` `cache-NAME-amd64`: for runners whose own cache may be
     * lost. `none` saves that time.
     * @default what the registry suggests
     */
    cache?: "registry" | "none";
    /** Inputs of a platform's own: each replaces the input above (`args` and `contexts` are merged). */
    overrides?: { [P in Platform]?: Partial<BuildInputs> };
}

/**
 * An image for several platforms: an image for each platform, built on its own runner with its own cache, in parallel, and
 * then an index that joins them in the registry and is read back to see that every platform is there.
 *
 * @throws {pulumi.RunError} with every wrong argument: see imageMistakes.ts
 */
export class MultiPlatformImage extends pulumi.ComponentResource {
    readonly platforms: readonly Platform[];
    /** `repo:tag@sha256:...` of the index, under the first tag. */
    readonly ref: pulumi.Output<string>;
    /** The reference of each platform's image, by platform, in the same form. */
    readonly platformRefs: { readonly [P in Platform]?: pulumi.Output<string> };
    /** What each platform's build took. */
    readonly receipts: { readonly [P in Platform]?: pulumi.Output<Receipt> };

    private readonly registry: Registry;
    /** `host/name` of its repository. */
    private readonly repository: pulumi.Output<string>;

    constructor(name: string, args: MultiPlatformImageArgs, opts?: pulumi.ComponentResourceOptions) {
        refuseImage(name, args);
        super("native-buildx:index:MultiPlatformImage", name, {}, opts);
        this.registry = args.registry;
        this.repository = args.registry.repositoryOf(args.repository ?? name);
        const platforms = args.platforms ?? args.builder.platforms;
        this.platforms = platforms;

        const images = platforms.map((platform) => this.buildPlatform(name, platform, args));
        this.platformRefs = Object.fromEntries(platforms.map((platform, at) => [platform, images[at]?.ref]));
        this.receipts = Object.fromEntries(platforms.map((platform, at) => [platform, images[at]?.took]));
        this.ref = this.joinPlatforms(name, platforms, args);
        this.registerOutputs({ ref: this.ref, platformRefs: this.platformRefs });
    }

    private buildPlatform(name: string, platform: Platform, args: MultiPlatformImageArgs): PlatformImage {
        const { suffix } = architectures[platform];
        const inputs = inputsFor(platform, args);
        const { cacheFrom, cacheTo, annotations, ...options } = optionsOf(args);
        const isCached = (args.cache ?? args.registry.defaultCache) === "registry";
        const others = args.registry.readableRepositoriesOf?.(args.repository ?? name) ?? [];
        const cache = isCached
            ? cachesIn(this.repository, others, cacheTagOf(name, args, suffix))
            : { from: [], to: [] };
        const forPlatform = (texts: string[] = []) => texts.map((text) => forArchitecture(text, platform));
        const { runner, builder, options: needsRunner } = args.builder.placeOf(platform, name);
        return new PlatformImage(
            `${name}-${suffix}`,
            {
                platform,
                runner,
                builder,
                context: inputs.context,
                dockerfile: inputs.dockerfile,
                target: inputs.target,
                args: knownTexts(`Image ${name}: args`, inputs.args),
                contexts: namedContexts(platform, inputs),
                secrets: knownSecrets(`Image ${name}: secrets`, args.secrets),
                tags: tagsOf(args).map((tag) => pulumi.interpolate`${this.repository}:${tag}-${suffix}`),
                cacheFrom: pulumi.all([...cache.from, ...forPlatform(cacheFrom)]),
                cacheTo: pulumi.all([...cache.to, ...forPlatform(cacheTo)]),
                repositoryMade: args.registry.repositoryMadeOf?.(args.repository ?? name),
                ...options,
                annotations: annotations && manifestAnnotations(annotations, platform),
                here: {
                    ...args.builder.here(this, this.loginsFor(platform, inputs)),
                    ...(args.compileCluster === "wake" ? { helpers: args.builder.helpersOf(runner) } : {}),
                },
            },
            pulumi.mergeOptions(needsRunner, { parent: this }),
        );
    }

    /** Of its own registry, and of those that its bases are in. */
    private loginsFor(platform: Platform, inputs: BuildInputs): pulumi.Output<RegistryLogin>[] {
        const bases = basesOf(inputs);
        const refs = bases.flatMap(({ platformRefs }) => platformRefs[platform] ?? []);
        const registries = new Set([this.registry, ...bases.map(({ registry }) => registry)]);
        return [...registries].flatMap((registry) => loginsOf(registry, refs));
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
                tags: tagsOf(args).map((tag) => pulumi.interpolate`${this.repository}:${tag}`),
                sources,
                platforms: [...platforms],
                annotations: args.annotations && indexAnnotations(args.annotations, platforms),
                repositoryMade: args.registry.repositoryMadeOf?.(args.repository ?? name),
                here: args.builder.here(this, loginsOf(args.registry, sources)),
            },
            { parent: this },
        ).ref;
    }
}

function refuseImage(name: string, args: MultiPlatformImageArgs): void {
    throwMistakes(`Image ${name}`, imageArgumentMistakes(args));
    const { builder, platforms, hasCompileCluster } = args.builder;
    const facts = {
        platforms,
        platformsIn: `the platforms of builder ${builder}`,
        project: process.cwd(),
        hasCompileCluster,
    };
    const mistakes = [...placeMistakes(name, args, tagsOf(args)), ...imageMistakes(args, facts)];
    throwMistakes(
        `Image ${name}`,
        mistakes.map(({ at, what }) => `${pathText(at)}: ${what}`),
    );
}

function tagsOf(args: MultiPlatformImageArgs): string[] {
    return args.tags?.length ? args.tags : ["latest"];
}

/** In a repository of another name there may be more images, each with a cache of its own. */
function cacheTagOf(name: string, { repository = name }: MultiPlatformImageArgs, suffix: string): string {
    const image = repository === name ? "" : `${name.replace(/[^\w.-]+/g, "-").slice(0, 100)}-`;
    return `cache-${image}${suffix}`;
}

/** The registry's cache, in the form of an image: some registries take no other form. */
function cachesIn(
    repository: pulumi.Output<string>,
    others: pulumi.Output<string>[],
    tag: string,
): { [way in "from" | "to"]: pulumi.Output<string>[] } {
    const cacheOf = (name: pulumi.Output<string>) => pulumi.interpolate`type=registry,ref=${name}:${tag}`;
    return {
        from: [repository, ...others].map(cacheOf),
        to: [pulumi.interpolate`${cacheOf(repository)},mode=max,image-manifest=true,oci-mediatypes=true`],
    };
}

/** What has to be built before. */
function basesOf({ contexts = {} }: BuildInputs): MultiPlatformImage[] {
    return Object.values(contexts).filter((source) => typeof source !== "string");
}

/** @param after what has to be known before */
function loginsOf(registry: Registry, after: pulumi.Output<string>[]): pulumi.Output<RegistryLogin>[] {
    return registry.login ? [registry.login(after)] : [];
}

function namedContexts(platform: Platform, inputs: BuildInputs): { [name: string]: pulumi.Input<ContextSource> } {
    const all = asksForPlatforms(inputs);
    return Object.fromEntries(
        Object.entries(inputs.contexts ?? {}).map(([name, source]) => [
            name,
            typeof source === "string" ? forArchitecture(source, platform) : imageContext(platform, source, all),
        ]),
    );
}

/** Another image by digest: this platform's image, or where the Dockerfile may name other platforms, the image of each. */
function imageContext(
    platform: Platform,
    { platformRefs }: MultiPlatformImage,
    all: boolean,
): pulumi.Output<ContextSource> {
    const own = platformRefs[platform] as pulumi.Output<string>;
    const contextOf = (ref: pulumi.Output<string>) => pulumi.interpolate`${imagePrefix}${ref}`;
    return all
        ? pulumi.output(Object.fromEntries(Object.entries(platformRefs).map(([other, ref]) => [other, contextOf(ref)])))
        : contextOf(own);
}

/**
 * Whether a `FROM --platform` of the Dockerfile may name a base for another platform. Where it cannot, an image need not
 * wait for the other platforms of its bases. A Dockerfile that is elsewhere, or another frontend's, may.
 */
function asksForPlatforms(inputs: BuildInputs): boolean {
    const file = dockerfileOf(inputs, process.cwd());
    const text = file && dockerfileText(file);
    if (text === undefined) {
        return true;
    }
    const read = readStages(text);
    return !isPlainDockerfile(read) || read.stages.some(({ platform }) => platform !== undefined);
}
