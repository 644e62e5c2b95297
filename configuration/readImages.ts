import { isIP } from "node:net";
import { architectures, knownPlatforms, type Platform } from "../components/architecture";
import { isObject } from "../components/settings/kinds";
import { type Parsed, parsed, pathText } from "../components/settings/mistakes";
import { fileMistakes } from "./imageFiles";
import { type ImageDeclaration, type ImageDraft, imageDeclaration, imageKeys, repositoryName } from "./images";
import { optionMistakes } from "./ownOptions";

/** What the declarations are checked against. */
export interface ImageFacts {
    /** Those of the stack. None if the setting names none that is known. */
    platforms: readonly Platform[];
    /** Folder that relative paths start from. */
    project: string;
    /** Names in setting `buildSecrets`. */
    buildSecrets: readonly string[];
}

type Images<Image = ImageDraft> = { [name: string]: Image };

/**
 * Reads the declared images, and tells everything that is wrong with them, each as one line that names the setting, the
 * mistake and the remedy. The images are complete if there is no mistake.
 */
export function readImages(raw: unknown, facts: ImageFacts): { images: Images<ImageDeclaration>; mistakes: string[] } {
    if (!isObject(raw)) {
        return { images: {}, mistakes: [`images: must be NAME: {context: FOLDER}, not ${JSON.stringify(raw)}`] };
    }
    const images: Images = {};
    const declared = Object.entries(raw).map(([name, declaration]) => {
        const read = isObject(declaration) ? parsed(imageDeclaration, declaration, ["images", name]) : undefined;
        images[name] = read?.value ?? {};
        return { name, declaration, read };
    });
    const mistakes = declared.flatMap(({ name, declaration, read }) => [
        ...nameMistakes(name),
        ...(read
            ? [...read.mistakes, ...declarationMistakes(name, read, images, facts)]
            : [`${pathText(["images", name])}: must be {context: FOLDER, ...}, not ${JSON.stringify(declaration)}`]),
    ]);
    // Where the image itself has no context, each of its platforms has one.
    const complete = Object.entries(images).map(([name, image]) => [name, { context: "", ...image }]);
    return { images: Object.fromEntries(complete), mistakes: [...mistakes, ...cycleMistakes(images)] };
}

function nameMistakes(name: string): string[] {
    return repositoryName.test(name)
        ? []
        : [
              `${pathText(["images", name])}: "${name}" cannot be a repository's name; use lower case letters, digits, ` +
                  '".", "_", "-"',
          ];
}

/** What is wrong with an image whose keys by themselves are right. */
function declarationMistakes(
    name: string,
    { value: image, wrong }: Parsed<ImageDraft>,
    images: Images,
    facts: ImageFacts,
): string[] {
    const { tags = [], secrets = [], addHosts = [], options = [] } = image;
    const at = (key: keyof typeof imageKeys) => pathText(["images", name, key]);
    const platforms = platformsOf(image, facts);
    // Without one of these, what is there is not what was meant.
    const areFilesKnown = !["context", "dockerfile", "contexts", "overrides", "platforms"].some((key) =>
        wrong.has(key),
    );
    return [
        ...(areFilesKnown ? fileMistakes(name, image, platforms, facts.project) : []),
        ...platformMistakes(image, facts).map((mistake) => `${at("platforms")}: ${mistake}`),
        ...tagMistakes(tags).map((mistake) => `${at("tags")}: ${mistake}`),
        ...secretMistakes(secrets, facts.buildSecrets).map((mistake) => `${at("secrets")}: ${mistake}`),
        ...baseMistakes(image, platforms, images, facts).map((mistake) => `${at("bases")}: ${mistake}`),
        ...hostMistakes(addHosts).map((mistake) => `${at("addHosts")}: ${mistake}`),
        ...optionMistakes(options).map((mistake) => `${at("options")}: ${mistake}`),
    ];
}

function platformsOf(image: ImageDraft, facts: ImageFacts): readonly Platform[] {
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
            .map((platform) => `"${platform}" is not in setting platforms; add it there or take it out here`),
        ...twice(platforms ?? []),
    ];
}

function twice(names: readonly string[]): string[] {
    const again = names.filter((name, at) => names.indexOf(name) !== at);
    return [...new Set(again)].map((name) => `"${name}" is there twice; take one out`);
}

/** A tag that still is one, of at most 128 characters, with `-amd64` behind it. */
const tagName = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,121}$/;
/** With `-amd64` behind it, a cache's; and what an ECR repository lets expire as one. */
const cacheTag = /^cache(-|$)/;
const suffixes = knownPlatforms.map((platform) => architectures[platform].suffix);

function tagMistakes(tags: readonly string[]): string[] {
    const wrong = [...new Set(tags)].flatMap((tag) => {
        const mistake = tagMistake(tag);
        return mistake ? [`"${tag}" ${mistake}`] : [];
    });
    return [...wrong, ...twice(tags)];
}

/** What is wrong with a tag by itself. None may be one that is pushed beside it: see MultiPlatformImageArgs. */
function tagMistake(tag: string): string | undefined {
    if (!tagName.test(tag)) {
        return 'is no tag; use at most 122 letters, digits, ".", "_", "-", not beginning with "." or "-"';
    }
    if (cacheTag.test(tag)) {
        return 'is kept for build caches, which expire, as is all that begins with "cache-"; choose another';
    }
    const suffix = suffixes.find((one) => tag.endsWith(`-${one}`));
    return suffix && `is kept for a platform's image, which gets "-${suffix}" by itself; leave that out`;
}

function secretMistakes(secrets: readonly string[], known: readonly string[]): string[] {
    return secrets
        .filter((secret) => !known.includes(secret))
        .map((secret) => `"${secret}": setting buildSecrets has no such value; set it by: ${secretCommand(secret)}`);
}

/** The command that sets a secret, as it is typed. */
export function secretCommand(name: string): string {
    const at = pathText(["buildSecrets", name]);
    return `pulumi config set --secret --path ${/^[\w.-]+$/.test(at) ? at : `'${at.replaceAll("'", "'\\''")}'`} VALUE`;
}

function baseMistakes(image: ImageDraft, platforms: readonly Platform[], images: Images, facts: ImageFacts): string[] {
    const { bases = [], contexts = {} } = image;
    return bases.flatMap((base) => {
        const declared = Object.hasOwn(images, base) ? images[base] : undefined;
        if (!declared) {
            return [`"${base}": no such image is declared; declared: ${Object.keys(images).join(", ")}`];
        }
        const lacks = platforms.filter((platform) => !platformsOf(declared, facts).includes(platform));
        return [
            ...lacks.map((platform) => `"${base}": is not built for ${platform}; add that to its key platforms`),
            ...(Object.hasOwn(contexts, base) ? [`"${base}": is a named context, too; rename one of them`] : []),
        ];
    });
}

function hostMistakes(hosts: readonly string[]): string[] {
    return hosts.flatMap((host) => {
        const address = host.replace(/^[^:=]+[:=]/, "").replace(/^\[(.*)\]$/, "$1");
        return isIP(address) ? [] : [`"${host}": ${address} is no IP address; write NAME:ADDRESS`];
    });
}

/** Images that need each other. */
function cycleMistakes(images: Images): string[] {
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (name: string, trail: string[]): void => {
        const at = trail.indexOf(name);
        if (at >= 0) {
            cycles.push(`images: a cycle of bases: ${[...trail.slice(at), name].join(" -> ")}; take one of them out`);
            return;
        }
        if (done.has(name)) {
            return;
        }
        for (const base of images[name]?.bases ?? []) {
            visit(base, [...trail, name]);
        }
        done.add(name);
    };
    for (const name of Object.keys(images)) {
        visit(name, []);
    }
    return cycles;
}
