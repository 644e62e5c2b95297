import type { Platform } from "../components/architecture";
import { baseMistake } from "../components/image/contextMistakes";
import { imageMistakes, type Mistake, platformsOf } from "../components/image/imageMistakes";
import { isObject } from "../components/settings/kinds";
import { type Parsed, parsed, pathText } from "../components/settings/mistakes";
import { type ImageDeclaration, type ImageDraft, imageDeclaration, repositoryName } from "./images";

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
    const { bases = [], secrets = [] } = image;
    const mistakes: Mistake[] = [
        ...imageMistakes(image, { ...facts, platformsIn: "setting platforms" }, wrong),
        ...secretMistakes(secrets, facts.buildSecrets).map((what) => ({ at: ["secrets"], what })),
        ...bases.flatMap((base) => baseMistakes(base, image, images, facts)).map((what) => ({ at: ["bases"], what })),
    ];
    return mistakes.map(({ at, what }) => `${pathText(["images", name, ...at])}: ${what}${hint(what)}`);
}

/** The example's contexts are made, not committed. */
function hint(mistake: string): string {
    return mistake.startsWith("folder examples/encoder/")
        ? ", or make the example's inputs: examples/encoder/prepare.sh"
        : "";
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

function baseMistakes(base: string, image: ImageDraft, images: Images, facts: ImageFacts): string[] {
    const declared = Object.hasOwn(images, base) ? images[base] : undefined;
    if (!declared) {
        return [`"${base}": no such image is declared; declared: ${Object.keys(images).join(", ")}`];
    }
    const platforms = platformsOf(declared, facts);
    const lacks = platformsOf(image, facts).flatMap((platform) => baseMistake({ platforms }, platform) ?? []);
    const isContext = Object.hasOwn(image.contexts ?? {}, base);
    return [...lacks, ...(isContext ? ["is a named context, too; rename one of them"] : [])].map(
        (mistake) => `"${base}": ${mistake}`,
    );
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
