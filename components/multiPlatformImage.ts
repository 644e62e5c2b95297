import * as docker_build from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import { architectures, type Platform } from "./architecture";
import type { RegistryLoginInput, RegistryLogins } from "./registryLogin";
import type { RemoteBuilder } from "./remoteBuilder/remoteBuilder";
import { VerifiedIndex } from "./verifiedIndex";

/** What goes into the build of an image, and may differ from platform to platform. */
export interface BuildInputs {
    /**
     * Folder of the build context, relative to the project, or the URL of a git repository or a tarball. `{arch}` in it
     * stands for `amd64` or `arm64`.
     */
    context: string;
    /** Path of the Dockerfile, relative to the project; `{arch}` as above. @default `Dockerfile` in the context */
    dockerfile?: string;
    /** Stage of the Dockerfile to build. @default the last one */
    target?: string;
    /** Build arguments. Not for secrets: they stay in the image's history. */
    args?: { [name: string]: pulumi.Input<string> };
    /**
     * Named contexts, for `FROM NAME` and `COPY --from=NAME`: a folder, a URL, `docker-image://REF`, or another
     * multi-platform image, which is then used by the digest of the platform that is being built.
     */
    contexts?: { [name: string]: string | MultiPlatformImage };
}

export interface MultiPlatformImageArgs extends BuildInputs {
    builder: RemoteBuilder;
    /** `host/name` to push to. */
    repository: pulumi.Input<string>;
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

    constructor(name: string, args: MultiPlatformImageArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:MultiPlatformImage", name, {}, opts);
        const platforms = args.platforms ?? args.builder.platforms;

        const images = platforms.map((platform) => this.buildPlatform(name, platform, args));
        this.platformRefs = Object.fromEntries(platforms.map((platform, at) => [platform, images[at]]));
        const login = loginAfter(images, args);
        const [ref] = tagsOf(args).map((tag) => this.joinPlatforms(name, tag, images, platforms, args, login));
        // tagsOf never is empty.
        this.ref = ref as pulumi.Output<string>;
        this.registerOutputs({ ref: this.ref, platformRefs: this.platformRefs });
    }

    private buildPlatform(name: string, platform: Platform, args: MultiPlatformImageArgs): pulumi.Output<string> {
        const { suffix } = architectures[platform];
        const inputs = inputsFor(platform, args);
        const login = loginAfter(basesOf(platform, inputs), args);
        const repository = pulumi.output(args.repository);
        const tags = tagsOf(args).map((tag) => pulumi.interpolate`${repository}:${tag}-${suffix}`);
        const cache = pulumi.interpolate`${repository}:cache-${suffix}`;
        const image = new docker_build.Image(
            `${name}-${suffix}`,
            {
                ...dockerBuildInputs(platform, inputs),
                builder: { name: args.builder.builderOf(platform) },
                platforms: [platform],
                secrets: args.secrets ?? {},
                tags,
                push: true,
                // A preview builds nothing and wakes nobody.
                buildOnPreview: false,
                registries: login ? [login] : [],
                ...(args.cache === "none"
                    ? {}
                    : {
                          cacheFrom: [{ registry: { ref: cache } }],
                          // As an image: ECR, and other registries, take a cache in no other form.
                          cacheTo: [
                              {
                                  registry: {
                                      ref: cache,
                                      mode: docker_build.CacheMode.Max,
                                      imageManifest: true,
                                      ociMediaTypes: true,
                                  },
                              },
                          ],
                      }),
            },
            // Deleting one would delete every tag of the same digest; the repository's lifecycle rules clean up.
            pulumi.mergeOptions(args.builder.imageOptions(platform), { parent: this, retainOnDelete: true }),
        );
        return pulumi
            .all([tags[0] as pulumi.Output<string>, image.digest])
            .apply(([tag, digest]) => (digest ? `${tag}@${digest}` : tag));
    }

    private joinPlatforms(
        name: string,
        tag: string,
        images: pulumi.Output<string>[],
        platforms: readonly Platform[],
        args: MultiPlatformImageArgs,
        login: RegistryLoginInput | undefined,
    ): pulumi.Output<string> {
        // No image's name has a colon: `app-1` is another image's.
        const resourceName = tag === tagsOf(args)[0] ? name : `${name}:${tag}`;
        const index = new docker_build.Index(
            resourceName,
            {
                tag: pulumi.interpolate`${args.repository}:${tag}`,
                sources: images,
                push: true,
                ...(login ? { registry: login } : {}),
            },
            pulumi.mergeOptions(args.builder.indexOptions(), { parent: this, retainOnDelete: true }),
        );
        return new VerifiedIndex(
            resourceName,
            { ref: index.ref, platforms: [...platforms], login },
            pulumi.mergeOptions(args.builder.indexOptions(), { parent: this }),
        ).ref;
    }
}

function tagsOf(args: MultiPlatformImageArgs): string[] {
    return args.tags?.length ? args.tags : ["latest"];
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

/** The inputs of one platform: the image's, with the platform's own in their place. */
export function inputsFor(platform: Platform, args: MultiPlatformImageArgs): BuildInputs {
    const own = args.overrides?.[platform] ?? {};
    const { context, dockerfile, target } = { ...args, ...own };
    return {
        context,
        dockerfile,
        target,
        args: { ...args.args, ...own.args },
        contexts: { ...args.contexts, ...own.contexts },
    };
}

/** Replaces `{arch}`. */
export function forArchitecture(text: string, platform: Platform): string {
    return text.replaceAll("{arch}", architectures[platform].suffix);
}

function dockerBuildInputs(platform: Platform, inputs: BuildInputs) {
    const location = forArchitecture(inputs.context, platform);
    const dockerfile = inputs.dockerfile && forArchitecture(inputs.dockerfile, platform);
    const named = Object.entries(inputs.contexts ?? {}).map(([name, source]) => [
        name,
        { location: contextLocation(platform, name, source) },
    ]);
    return {
        context: { location, ...(named.length > 0 ? { named: Object.fromEntries(named) } : {}) },
        ...(dockerfile ? { dockerfile: { location: dockerfile } } : {}),
        ...(inputs.target ? { target: inputs.target } : {}),
        buildArgs: inputs.args ?? {},
    };
}

function contextLocation(platform: Platform, name: string, source: string | MultiPlatformImage): pulumi.Input<string> {
    if (typeof source === "string") {
        return forArchitecture(source, platform);
    }
    const ref = source.platformRefs[platform];
    if (!ref) {
        throw new pulumi.RunError(`Context ${name} is an image that is not built for ${platform}.`);
    }
    return pulumi.interpolate`docker-image://${ref}`;
}
