import * as v from "valibot";
import { anyArchitecture, knownPlatforms } from "../components/architecture";
import { namedValues, optionForms } from "../components/image/optionForms";
import { byPlatform, keysOf, listOf, mapOf } from "../components/settings/collections";
import { flag, flagOrText, key, oneOf, text } from "../components/settings/kinds";

const none = "none";
const endings = anyArchitecture(({ suffix }) => `\`-${suffix}\``);

/** What may differ from platform to platform. */
const buildKeys = {
    context: key(
        text("a folder or a URL"),
        "Folder of the build context, relative to the project, or the URL of a git repository or an archive. " +
            `\`{arch}\` in it becomes ${anyArchitecture(({ suffix }) => `\`${suffix}\``)}.`,
        "required, except below a pattern",
    ),
    dockerfile: key(
        text("the path of a Dockerfile"),
        "Path of the Dockerfile, relative to the project, in a git context to the repository; a full path is one of this " +
            "machine. `{arch}` as above.",
        "`Dockerfile` in the context",
    ),
    target: key(text("the name of a stage"), "Stage to build.", "the last stage"),
    args: key(
        namedValues("build arguments, NAME: value", text("a text", { mayBeEmpty: true })),
        "Build arguments. Not for secrets: they stay in the image's history.",
        none,
    ),
    contexts: key(
        mapOf(
            "named contexts, NAME: folder, URL or docker-image://REF",
            text("a folder, a URL, docker-image://REF or oci-layout://FOLDER"),
        ),
        "Named contexts: a folder, a URL, `docker-image://REF` or `oci-layout://FOLDER`.",
        none,
    ),
};

const override = keysOf("{context: FOLDER, ...}", buildKeys);

/** THE table of what an image's declaration may say: types, checks, messages, docs/configuration.md and the editors' schema follow. */
export const imageKeys = {
    ...buildKeys,
    bases: key(
        listOf("a list of declared images", text("the name of a declared image")),
        "Other declared images, for `FROM NAME` and `COPY --from=NAME`, by the digest of the platform that is built.",
        none,
    ),
    secrets: key(
        listOf("a list of names in setting buildSecrets", text("a name in setting buildSecrets")),
        "Names in setting `buildSecrets`, for `RUN --mount=type=secret,id=NAME`.",
        none,
    ),
    ssh: key(
        optionForms.ssh,
        "Agents and keys for `RUN --mount=type=ssh` and git contexts: `default`, the caller's agent, or `ID=PATH`, relative " +
            "to the project, which must be there when the image is built.",
        none,
    ),
    platforms: key(
        listOf("a list of platforms", oneOf(...knownPlatforms)),
        "Platforms of this image, some of setting `platforms`.",
        "all of them",
    ),
    tags: key(
        listOf("a list of tags", text("a tag")),
        `Tags of the index. Each platform's image has them with ${endings} behind, so none may end like that, ` +
            "nor be `cache` or begin with `cache-`.",
        "`[latest]`",
    ),
    compileCluster: key(
        oneOf("awake", "wake"),
        "The build's compile jobs go to the stack's compile cluster (setting `compileCluster`): to the runners that are awake, " +
            "or with `wake` to all, which are woken for it. The Dockerfile says where, see [compile-cluster.md](compile-cluster.md).",
        none,
    ),
    cache: key(
        oneOf("registry", "none"),
        "`registry` keeps the build cache beside the image too, all stages; `none` keeps it on the runner only.",
        "`none` with a registry on this machine, else `registry`",
    ),
    cacheFrom: key(
        listOf("a list of caches", text("a cache as buildx writes it, as in type=registry,ref=REF")),
        "More caches to read, as buildx writes them: `type=registry,ref=REF`. `{arch}` as above.",
        none,
    ),
    cacheTo: key(
        listOf("a list of caches", text("a cache as buildx writes it, as in type=registry,ref=REF")),
        "More caches to write, as buildx writes them: `type=registry,ref=REPOSITORY:cache-{arch},mode=max`. Platforms that write to " +
            "one place overwrite each other.",
        none,
    ),
    labels: key(
        namedValues("labels, NAME: value", text("a text", { mayBeEmpty: true })),
        "Labels of each platform's image.",
        none,
    ),
    annotations: key(
        namedValues("annotations, NAME: value", text("a text", { mayBeEmpty: true })),
        "Annotations, as buildx writes them: `NAME` for each platform's image, `manifest[PLATFORM]:NAME` for that of one, " +
            "`index:NAME` for the index, `manifest-descriptor:NAME` for the images' entries in it.",
        none,
    ),
    sourceLabels: key(
        flag(),
        "Labels `org.opencontainers.image.revision` and, of a folder, `created` from the git commit of the context. A commit by " +
            "itself rebuilds nothing.",
        "`false`",
    ),
    provenance: key(
        oneOf<boolean | "min" | "max">(true, false, "min", "max"),
        "Attest how the image was built: `true`, or how much is said, `min` or `max`.",
        "`false`",
    ),
    sbom: key(
        flagOrText("true, false or the reference of a generator's image"),
        "Attest what is in the image, a list of packages: `true`, or the generator's image.",
        "`false`",
    ),
    network: key(
        oneOf("default", "none"),
        "Network of the build's steps. The host's is not among them: runners do not grant it.",
        "`default`",
    ),
    shmSize: key(optionForms.shmSize, "Size of `/dev/shm` in the build's steps, such as `128m`.", "`64m`"),
    ulimits: key(optionForms.ulimits, "Limits of the build's steps, such as `nofile=1024:4096`.", "the runner's"),
    addHosts: key(optionForms.addHosts, "Lines for `/etc/hosts` in the build's steps, `NAME:ADDRESS`.", none),
    noCache: key(flag(), "Build every step anew, each time the image is built.", "`false`"),
    trigger: key(
        text("a text"),
        "Any text. When it changes the image is built again, and its `FROM`s are pulled anew.",
        none,
    ),
    options: key(
        listOf("a list of options of docker buildx build", text("an option of docker buildx build")),
        "More options of `docker buildx build`, handed to it as they are, except those that are set for every build.",
        none,
    ),
    overrides: key(
        byPlatform("PLATFORM: what is different there", override),
        "By platform: `context`, `dockerfile`, `target`, `args`, `contexts` in place of the above; `args` and `contexts` " +
            "are merged.",
        none,
    ),
};

/** The declaration of one image. */
export const imageDeclaration = keysOf("{context: FOLDER, ...}", imageKeys);

/** An image as the configuration declares it, before it is known whether every platform has a context. */
export type ImageDraft = v.InferOutput<typeof imageDeclaration>;

/** An image as the configuration declares it. */
export type ImageDeclaration = ImageDraft & { context: string };

/** The names of the images, each after those it is built on. There must be no cycle. */
export function inBuildOrder(images: { [name: string]: Pick<ImageDeclaration, "bases"> }): string[] {
    const order: string[] = [];
    const visit = (name: string): void => {
        if (!order.includes(name)) {
            for (const base of images[name]?.bases ?? []) {
                visit(base);
            }
            order.push(name);
        }
    };
    for (const name of Object.keys(images)) {
        visit(name);
    }
    return order;
}
