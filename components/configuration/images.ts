import { existsSync } from "node:fs";
import * as path from "node:path";
import { architectures, isPlatform, knownPlatforms, type Platform } from "../architecture";
import { type BuildInputs, forArchitecture } from "../image/buildInputs";

/** An image as the configuration declares it. */
export interface ImageDeclaration extends Omit<BuildInputs, "args" | "contexts"> {
    args?: { [name: string]: string };
    contexts?: { [name: string]: string };
    /** Names of other declared images, each usable as `FROM NAME`, by digest. */
    bases?: string[];
    /** Names of values in setting `buildSecrets`. */
    secrets?: string[];
    tags?: string[];
    cache?: "registry" | "none";
    overrides?: { [P in Platform]?: OverrideDeclaration };
}

type OverrideDeclaration = Partial<Pick<ImageDeclaration, "context" | "dockerfile" | "target" | "args" | "contexts">>;

/** What the declarations are checked against. */
export interface ImageFacts {
    /** None if the setting names none that is known. */
    platforms: readonly Platform[];
    /** Folder that relative paths start from. */
    project: string;
    /** Names in setting `buildSecrets`. */
    buildSecrets: string[];
}

type Check = (value: unknown) => boolean;
const text: Check = (value) => typeof value === "string" && value !== "";
const texts: Check = (value) => Array.isArray(value) && value.every(text);
// The configuration's scalars: `DEBUG: 1` is as good as `DEBUG: "1"`.
const scalars: Check = (value) =>
    isObject(value) && Object.values(value).every((one) => ["string", "number", "boolean"].includes(typeof one));

const buildKeys: { [key: string]: [Check, string] } = {
    context: [text, "a folder or a URL"],
    dockerfile: [text, "the path of a Dockerfile"],
    target: [text, "the name of a stage"],
    args: [scalars, "build arguments, NAME: value"],
    contexts: [scalars, "named contexts, NAME: folder, URL or docker-image://REF"],
};
const imageKeys: { [key: string]: [Check, string] } = {
    ...buildKeys,
    bases: [texts, "a list of declared images"],
    secrets: [texts, "a list of names in setting buildSecrets"],
    tags: [texts, "a list of tags"],
    cache: [(value) => value === "registry" || value === "none", '"registry" or "none"'],
    overrides: [isObject, "PLATFORM: what is different there"],
};

function isObject(value: unknown): value is { [key: string]: unknown } {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** One component of a repository's name (https://github.com/opencontainers/distribution-spec/blob/main/spec.md). */
const repositoryName = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;
/** A tag that still is one, of at most 128 characters, with `-amd64` behind it. */
const tagName = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,121}$/;
/** With `-amd64` behind it, a cache's; and what an ECR repository lets expire as one. */
const cacheTag = /^cache(-|$)/;
const suffixes = knownPlatforms.map((platform) => architectures[platform].suffix);
const remoteContext = /^([a-z+]+:\/\/|git@)/;

/**
 * Everything that is wrong with the declared images, each as one line that names the setting, the mistake and the
 * remedy; nothing if all is well.
 */
export function imageMistakes(images: unknown, facts: ImageFacts): string[] {
    if (!isObject(images)) {
        return ["images: must be NAME: {context: ...}"];
    }
    const mistakes: string[] = [];
    for (const [name, declaration] of Object.entries(images)) {
        const at = `images.${name}`;
        if (!repositoryName.test(name)) {
            mistakes.push(
                `${at}: "${name}" cannot be a repository's name; use lower case letters, digits, ".", "_", "-"`,
            );
        }
        if (!isObject(declaration)) {
            mistakes.push(`${at}: must be {context: FOLDER, ...}`);
            continue;
        }
        const shape = shapeMistakes(at, declaration, imageKeys);
        mistakes.push(...shape);
        if (shape.length > 0) {
            continue;
        }
        const image = declaration as unknown as ImageDeclaration;
        mistakes.push(
            ...overrideMistakes(at, image),
            ...fileMistakes(at, image, facts),
            ...tagMistakes(at, image.tags ?? []),
            ...nameMistakes(at, "secrets", image.secrets ?? [], facts.buildSecrets, (secret) =>
                [
                    "setting buildSecrets has no such value; set it by: ",
                    `pulumi config set --secret --path buildSecrets.${secret} VALUE`,
                ].join(""),
            ),
            ...nameMistakes(
                at,
                "bases",
                image.bases ?? [],
                Object.keys(images),
                () => `no such image is declared; declared: ${Object.keys(images).join(", ")}`,
            ),
        );
    }
    return [...mistakes, ...cycleMistakes(images)];
}

function shapeMistakes(at: string, value: { [key: string]: unknown }, keys: typeof imageKeys): string[] {
    return Object.entries(value).flatMap(([key, one]) => {
        const [check, meaning] = keys[key] ?? [];
        if (!check) {
            return [`${at}.${key}: no such key; there are ${Object.keys(keys).join(", ")}`];
        }
        return check(one) ? [] : [`${at}.${key}: must be ${meaning}, not ${JSON.stringify(one)}`];
    });
}

function overrideMistakes(at: string, image: ImageDeclaration): string[] {
    return Object.entries(image.overrides ?? {}).flatMap(([platform, own]) => {
        const place = `${at}.overrides["${platform}"]`;
        if (!isPlatform(platform)) {
            return [`${place}: unknown platform; known: ${knownPlatforms.join(", ")}`];
        }
        return isObject(own) ? shapeMistakes(place, own, buildKeys) : [`${place}: must be {context: FOLDER, ...}`];
    });
}

function fileMistakes(at: string, image: ImageDeclaration, facts: ImageFacts): string[] {
    const mistakesFor = (platform: Platform) => platformFileMistakes(at, image, platform, facts.project);
    if (facts.platforms.length > 0) {
        return [...new Set(facts.platforms.flatMap(mistakesFor))];
    }
    // Which platforms are meant is a mistake of its own; here is what is missing whichever they are.
    const [first = [], ...others] = knownPlatforms.map(mistakesFor);
    return first.filter((mistake) => others.every((other) => other.includes(mistake)));
}

function platformFileMistakes(at: string, image: ImageDeclaration, platform: Platform, project: string): string[] {
    const own = { ...image, ...image.overrides?.[platform] };
    if ([own.context, own.dockerfile].some((one) => one !== undefined && !text(one))) {
        // An override of the wrong shape is told as such.
        return [];
    }
    if (!own.context) {
        return [`${at}.context: missing; write the folder of the build context, relative to the project`];
    }
    if (remoteContext.test(own.context)) {
        return [];
    }
    const context = forArchitecture(own.context, platform);
    if (!existsSync(path.resolve(project, context))) {
        return [`${at}.context: folder ${context} does not exist; create it or correct the path${hint(context)}`];
    }
    const dockerfile = forArchitecture(own.dockerfile ?? path.join(own.context, "Dockerfile"), platform);
    if (!existsSync(path.resolve(project, dockerfile))) {
        return [`${at}.dockerfile: file ${dockerfile} does not exist; create it or name another`];
    }
    return [];
}

/** The example's contexts are made, not committed. */
function hint(context: string): string {
    return context.startsWith("examples/encoder/") ? ", or make the example's inputs: examples/encoder/prepare.sh" : "";
}

function tagMistakes(at: string, tags: string[]): string[] {
    const twice = tags.filter((tag, index) => tags.indexOf(tag) !== index);
    return [
        ...[...new Set(tags)].flatMap((tag) => {
            const mistake = tagMistake(tag);
            return mistake ? [`${at}.tags: "${tag}" ${mistake}`] : [];
        }),
        ...[...new Set(twice)].map((tag) => `${at}.tags: "${tag}" is there twice; take one out`),
    ];
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

function nameMistakes(
    at: string,
    key: string,
    names: string[],
    known: string[],
    remedy: (name: string) => string,
): string[] {
    return names.filter((name) => !known.includes(name)).map((name) => `${at}.${key}: "${name}": ${remedy(name)}`);
}

/** Images that need each other. */
function cycleMistakes(images: { [name: string]: unknown }): string[] {
    const basesOf = (name: string) => {
        const declaration = images[name];
        return isObject(declaration) && texts(declaration.bases) ? (declaration.bases as string[]) : [];
    };
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
        for (const base of basesOf(name)) {
            visit(base, [...trail, name]);
        }
        done.add(name);
    };
    for (const name of Object.keys(images)) {
        visit(name, []);
    }
    return cycles;
}

/** The names of the images, each after those it is built on. There must be no cycle. */
export function inBuildOrder(images: { [name: string]: ImageDeclaration }): string[] {
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
