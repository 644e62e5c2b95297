import * as path from "node:path";
import { architectures, type Platform } from "../components/architecture";
import { forArchitecture } from "../components/image/buildInputs";
import { type ImageDeclaration, inBuildOrder } from "../configuration/images";

/** What plain buildx is given: the same images, runners and registry as `pulumi up`. */
export interface PlainBuild {
    images: { [name: string]: ImageDeclaration };
    /** Those of them to build; the others are in the registry. */
    wanted: string[];
    platforms: Platform[];
    /** `host/name` that images are pushed under. */
    repositoryUrl: string;
    /** Name of the multi-node builder. */
    builder: string;
}

/** Arguments of `docker`, one command after the other. */
type Commands = string[][];

/**
 * What a person would type: for each platform its builds, one image after the other, to be run side by side; then what
 * joins the platforms. The same contexts, tags and cache settings as `pulumi up`, and as parallel as it.
 */
export function plainCommands(build: PlainBuild): { perPlatform: Commands[]; join: Commands } {
    const wanted = inBuildOrder(build.images).filter((name) => build.wanted.includes(name));
    return {
        perPlatform: build.platforms.map((platform) => wanted.map((name) => buildCommand(build, name, platform))),
        join: wanted.flatMap((name) => joinCommands(build, name)),
    };
}

const tagsOf = (image: ImageDeclaration) => (image.tags?.length ? image.tags : ["latest"]);

function buildCommand(build: PlainBuild, name: string, platform: Platform): string[] {
    const { suffix } = architectures[platform];
    const image = build.images[name] as ImageDeclaration;
    const own = image.overrides?.[platform] ?? {};
    const inputs = { ...image, ...own };
    const place = (text: string) => forArchitecture(text, platform);
    const contexts = { ...image.contexts, ...own.contexts };
    const repository = `${build.repositoryUrl}/${name}`;
    const cache = `type=registry,ref=${repository}:cache-${suffix}`;
    return [
        ...[
            "buildx",
            "build",
            "--builder",
            `${build.builder}-${suffix}`,
            "--platform",
            platform,
            "--progress",
            "plain",
        ],
        // `pulumi up` makes none either.
        ...["--provenance", "false", "--push"],
        ...tagsOf(image).flatMap((tag) => ["--tag", `${repository}:${tag}-${suffix}`]),
        ...["--file", place(inputs.dockerfile ?? path.join(inputs.context, "Dockerfile"))],
        ...(inputs.target ? ["--target", inputs.target] : []),
        ...Object.entries({ ...image.args, ...own.args }).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]),
        ...Object.entries(contexts).flatMap(([key, source]) => ["--build-context", `${key}=${place(source)}`]),
        ...(image.bases ?? []).flatMap((base) => [
            "--build-context",
            `${base}=docker-image://${build.repositoryUrl}/${base}:${tagsOf(build.images[base] as ImageDeclaration)[0]}-${suffix}`,
        ]),
        ...(image.cache === "registry" ? ["--cache-from", cache, "--cache-to", `${cache},mode=max`] : []),
        place(inputs.context),
    ];
}

function joinCommands(build: PlainBuild, name: string): Commands {
    const repository = `${build.repositoryUrl}/${name}`;
    return tagsOf(build.images[name] as ImageDeclaration).map((tag) => [
        ...["buildx", "imagetools", "create", "--tag", `${repository}:${tag}`],
        ...build.platforms.map((platform) => `${repository}:${tag}-${architectures[platform].suffix}`),
    ]);
}
