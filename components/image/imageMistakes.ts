import { isIP } from "node:net";
import { architectures, knownPlatforms, type Platform } from "../architecture";
import { twice } from "../settings/mistakes";
import { annotationMistakes } from "./annotations";
import type { BuildOptions } from "./buildInputs";
import { contextMistakes } from "./contextMistakes";
import { formed, formMistakes, type optionForms } from "./optionForms";
import { optionMistakes } from "./ownOptions";
import { sshMistakes } from "./sshMistakes";

/** What is wrong with a value, and what to write instead. */
export interface Mistake {
    /** The key, and the keys in its value, as in `["contexts", "base"]`. */
    at: (string | number)[];
    what: string;
}

/** A named context that is another image. */
export interface OtherImage {
    platforms: readonly Platform[];
}

/** What is checked of the inputs that may differ from platform to platform. */
interface DraftInputs {
    context?: string;
    dockerfile?: string;
    target?: string;
    /** Their values may be known later. */
    args?: { [name: string]: unknown };
    contexts?: { [name: string]: string | OtherImage };
}

/** An image's declaration before it is checked: in the configuration, or as arguments of a `MultiPlatformImage`. */
export interface ImageDraft
    extends DraftInputs,
        Pick<BuildOptions, keyof typeof optionForms | "labels" | "annotations" | "options"> {
    compileCluster?: string;
    platforms?: readonly Platform[];
    tags?: readonly string[];
    cache?: string;
    overrides?: { [P in Platform]?: DraftInputs };
}

/** What an image is checked against. */
export interface ImageFacts {
    /** The platforms that have a runner. None if they are not known. */
    platforms: readonly Platform[];
    /** Where those are declared, as in "setting platforms". */
    platformsIn: string;
    /** Folder that relative paths start from. */
    project: string;
    /** The runners are in a compile cluster. @default false */
    hasCompileCluster?: boolean;
}

/**
 * THE rules of an image's declaration, for the configuration and for whoever uses the component: every mistake at once.
 *
 * @param wrong keys whose values are known to be wrong and are left out
 */
export function imageMistakes(image: ImageDraft, facts: ImageFacts, wrong: ReadonlySet<string> = new Set()): Mistake[] {
    const { tags = [], addHosts = [], annotations = {}, options = [], ssh = [] } = image;
    const of = (key: keyof ImageDraft, all: string[]) => all.map((what): Mistake => ({ at: [key], what }));
    // Without one of these, what is there is not what was meant.
    const areContextsKnown = !["context", "dockerfile", "contexts", "overrides", "platforms"].some((key) =>
        wrong.has(key),
    );
    return [
        ...(areContextsKnown ? contextMistakes(image, platformsOf(image, facts), facts.project) : []),
        ...of("platforms", platformMistakes(image, facts)),
        ...of("tags", tagMistakes(tags)),
        ...of("cache", cacheMistakes(image.cache)),
        ...of("compileCluster", clusterMistakes(image.compileCluster, facts)),
        ...of("annotations", annotationMistakes(annotations, platformsOf(image, facts))),
        ...formMistakes(image),
        ...of("addHosts", hostMistakes(formed("addHosts", addHosts))),
        ...of("options", optionMistakes(options)),
        ...of("ssh", sshMistakes(formed("ssh", ssh))),
    ];
}

/** The platforms that an image is built for. */
export function platformsOf(
    image: Pick<ImageDraft, "platforms">,
    facts: Pick<ImageFacts, "platforms">,
): readonly Platform[] {
    return image.platforms?.filter((platform) => facts.platforms.includes(platform)) ?? facts.platforms;
}

function platformMistakes({ platforms }: ImageDraft, facts: ImageFacts): string[] {
    if (platforms?.length === 0) {
        return ["must name at least one platform; leave the key out for all of them"];
    }
    const others = facts.platforms.length > 0 ? (platforms ?? []) : [];
    return [
        ...others
            .filter((platform) => !facts.platforms.includes(platform))
            .map((platform) => `"${platform}" is not in ${facts.platformsIn}; add it there or remove it here`),
        ...twice(platforms ?? []),
    ];
}

const suffixes = knownPlatforms.map((platform) => architectures[platform].suffix);
/** A tag that is valid, of at most 128 characters, with `-amd64` or any other suffix appended too. */
const longestTag = 127 - Math.max(...suffixes.map((suffix) => suffix.length));
const tagName = new RegExp(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,${longestTag - 1}}$`);
/** With `-amd64` appended, the tag of a cache; and what a registry may let expire as a cache. */
const cacheTag = /^cache(-|$)/;

function tagMistakes(tags: readonly string[]): string[] {
    const wrong = [...new Set(tags)].flatMap((tag) => {
        const mistake = tagMistake(tag);
        return mistake ? [`"${tag}" ${mistake}`] : [];
    });
    return [...wrong, ...twice(tags)];
}

/** What is wrong with a tag by itself. No tag may be what is pushed beside it: see MultiPlatformImageArgs. */
function tagMistake(tag: string): string | undefined {
    if (!tagName.test(tag)) {
        return `is not a tag; use at most ${longestTag} letters, digits, ".", "_", "-", not beginning with "." or "-"`;
    }
    if (cacheTag.test(tag)) {
        return 'is kept for build caches, which expire, as is all that begins with "cache-"; choose another';
    }
    const suffix = suffixes.find((one) => tag.endsWith(`-${one}`));
    return suffix && `is kept for a platform's image, which gets "-${suffix}" by itself; leave that out`;
}

function cacheMistakes(cache: string | undefined): string[] {
    return cache === undefined || cache === "registry" || cache === "none"
        ? []
        : [`must be "registry" or "none", not ${JSON.stringify(cache)}`];
}

function clusterMistakes(compileCluster: string | undefined, { hasCompileCluster }: ImageFacts): string[] {
    if (compileCluster === undefined) {
        return [];
    }
    if (compileCluster !== "awake" && compileCluster !== "wake") {
        return [`must be "awake" or "wake", not ${JSON.stringify(compileCluster)}`];
    }
    return hasCompileCluster
        ? []
        : ["the runners are not in a compile cluster; set compileCluster: true for them, or remove the key here"];
}

function hostMistakes(hosts: readonly string[]): string[] {
    return hosts.flatMap((host) => {
        const address = host.replace(/^[^:=]+[:=]/, "").replace(/^\[(.*)\]$/, "$1");
        return isIP(address) ? [] : [`"${host}": ${address} is not an IP address; write NAME:ADDRESS`];
    });
}
