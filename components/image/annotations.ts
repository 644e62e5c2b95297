import type { Platform } from "../architecture";

/** OCI annotations as buildx writes them: `NAME`, or `SORT:NAME`, `SORT[PLATFORM]:NAME`, several sorts with commas between them. */
export type Annotations = { [key: string]: string };

/** What an annotation can be about: the sorts of buildx. */
const sorts = ["manifest", "manifest-descriptor", "index", "index-descriptor"] as const;
type Sort = (typeof sorts)[number];

/** One sort of a key. */
interface Part {
    /** As it is written; it may be no sort. */
    sort: string;
    /** @default all of the image's */
    platform?: string;
    name: string;
}

/** The annotations of a platform's manifest, by their names. */
export function manifestAnnotations(annotations: Annotations, platform: Platform): Annotations {
    const own = partsOf(annotations).filter((part) => part.sort === "manifest" && isFor(part, platform));
    return Object.fromEntries(own.map(({ name, value }) => [name, value]));
}

/**
 * The annotations of the index of these platforms, and of what it says of their manifests: `index:NAME` and
 * `manifest-descriptor[PLATFORM]:NAME`. Without a platform buildx would give the latter to attestations too.
 */
export function indexAnnotations(annotations: Annotations, platforms: readonly Platform[]): Annotations {
    const keys = partsOf(annotations).flatMap((part): [string, string][] => {
        switch (part.sort as Sort) {
            case "index":
                return [[`index:${part.name}`, part.value]];
            case "manifest-descriptor":
                return platforms
                    .filter((platform) => isFor(part, platform))
                    .map((platform) => [`manifest-descriptor[${platform}]:${part.name}`, part.value]);
            default:
                return [];
        }
    });
    return Object.fromEntries(keys);
}

/**
 * What is wrong with the annotations of an image, each as one line.
 * @param platforms the image's; none if they are not known
 */
export function annotationMistakes(annotations: Annotations, platforms: readonly Platform[]): string[] {
    return Object.keys(annotations).flatMap((key) => {
        const mistake = keyParts(key)
            .map((part) => partMistake(part, platforms))
            .find(Boolean);
        return mistake ? [`"${key}": ${mistake}`] : [];
    });
}

function partMistake({ sort, platform, name }: Part, platforms: readonly Platform[]): string | undefined {
    if (!sorts.some((one) => one === sort)) {
        return `buildx knows no ${sort}:; write ${sorts
            .slice(0, -1)
            .map((one) => `${one}:`)
            .join(", ")} or no prefix`;
    }
    if (sort === "index-descriptor") {
        return "no registry keeps what is said of an index; write index:NAME";
    }
    if (name === "") {
        return `has no name; write ${sort}:NAME`;
    }
    return platform !== undefined && platforms.length > 0 && !platforms.some((one) => one === platform)
        ? `the image is not built for ${platform}; write ${platforms.join(" or ")}`
        : undefined;
}

function partsOf(annotations: Annotations): (Part & { value: string })[] {
    return Object.entries(annotations).flatMap(([key, value]) => keyParts(key).map((part) => ({ ...part, value })));
}

/** A text before a colon is a sort where it looks like sorts; a name may have a colon itself, as in `org.example:note`. */
function keyParts(key: string): Part[] {
    const [, prefix, name = ""] = /^([a-z,-]+(?:\[[\w/-]*\][a-z,-]*)*):(.*)$/s.exec(key) ?? [];
    if (prefix === undefined) {
        return [{ sort: "manifest", name: key }];
    }
    return prefix.split(",").map((text) => {
        const [, sort = text, platform] = /^([a-z-]+)(?:\[(.*)\])?$/.exec(text) ?? [];
        return { sort, name, ...(platform === undefined ? {} : { platform }) };
    });
}

function isFor({ platform }: Part, one: Platform): boolean {
    return platform === undefined || platform === one;
}
