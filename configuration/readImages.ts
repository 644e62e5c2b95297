import * as path from "node:path";
import type { Platform } from "../components/architecture";
import { baseMistake } from "../components/image/contextMistakes";
import { imageMistakes, type Mistake, platformsOf } from "../components/image/imageMistakes";
import { noRepositoryName, repositoryName, repositoryNameRule } from "../components/image/repositoryName";
import { isObject } from "../components/settings/collections";
import { parsed, pathText } from "../components/settings/mistakes";
import { buildSecretCommand } from "../components/settings/secrets";
import { exampleHint } from "./exampleHint";
import { folderImages, isPattern, noFolderMistake } from "./imagePatterns";
import { type ImageDeclaration, type ImageDraft, imageDeclaration, imageKeys } from "./images";

/** What the declarations are checked against. */
export interface ImageFacts {
    /** Those of the stack. None if the setting names none that is known. */
    platforms: readonly Platform[];
    /** Folder that relative paths start from. */
    project: string;
    /** Setting `compileCluster`. @default false */
    hasCompileCluster?: boolean;
    /** Names in setting `buildSecrets`. */
    buildSecrets: readonly string[];
}

type Images<Image = ImageDraft> = { [name: string]: Image };

/** What is written under a key of the setting, an image's name or a pattern. Keys that are wrong count as left out. */
interface Entry {
    key: string;
    image: ImageDraft;
    /** Keys that are written, wrong ones too. */
    written: readonly string[];
    wrong: ReadonlySet<string>;
    mistakes: string[];
}

/** An image, and the entries that declare it, those that go first first: its own, a pattern's. */
interface Declared {
    name: string;
    image: ImageDraft;
    by: readonly Entry[];
}

/** An image of a pattern. */
type Found = Declared & { folder: string };

/**
 * Reads the declared images, and tells everything that is wrong with them, each as one line that names the setting, the
 * mistake and the remedy. The images are complete if there is no mistake.
 */
export function readImages(raw: unknown, facts: ImageFacts): { images: Images<ImageDeclaration>; mistakes: string[] } {
    if (!isObject(raw)) {
        return { images: {}, mistakes: [`images: must be NAME: {context: FOLDER}, not ${JSON.stringify(raw)}`] };
    }
    const entries = Object.entries(raw).map(([key, declaration]) => entryOf(key, declaration));
    const found = entries.flatMap((entry) => foundBy(entry, facts.project));
    const declared = entries.flatMap((entry) => declaredBy(entry, entries, found));
    const images = Object.fromEntries(declared.map(({ name, image }) => [name, image]));
    const mistakes = entries.flatMap((entry) => [
        ...(isPattern(entry.key) ? patternMistakes(entry, found) : nameMistakes(entry, found)),
        ...entry.mistakes,
        ...declared.flatMap((image) => (image.by[0] === entry ? declarationMistakes(image, images, facts) : [])),
    ]);
    // Where the image itself has no context, each of its platforms has one.
    const complete = Object.entries(images).map(([name, image]) => [name, { context: "", ...image }]);
    return {
        images: Object.fromEntries(complete),
        // What is wrong with a pattern is wrong with each of its images.
        mistakes: [...new Set([...mistakes, ...cycleMistakes(images)])],
    };
}

function entryOf(key: string, declaration: unknown): Entry {
    if (!isObject(declaration)) {
        const mistake = `${pathText(["images", key])}: must be {context: FOLDER, ...}, not ${JSON.stringify(declaration)}`;
        return {
            key,
            image: {},
            written: Object.keys(imageKeys),
            wrong: new Set(Object.keys(imageKeys)),
            mistakes: [mistake],
        };
    }
    const { value: image, wrong, mistakes } = parsed(imageDeclaration, declaration, ["images", key]);
    return { key, image, written: Object.keys(declaration), wrong, mistakes };
}

/** The images of the folders that an entry leads to, if it is a pattern. */
function foundBy(entry: Entry, project: string): Found[] {
    const folders = isPattern(entry.key) ? folderImages({ pattern: entry.key, ...entry }, project) : [];
    return folders.map((image) => ({ ...image, by: [entry] }));
}

/** Of a name that several patterns lead to, the first. An image that is declared by its name, too, is there in its place. */
function declaredBy(entry: Entry, entries: Entry[], found: Found[]): Declared[] {
    if (isPattern(entry.key)) {
        return found.filter(
            (one) =>
                one.by[0] === entry &&
                found.find(({ name }) => name === one.name) === one &&
                !entries.some(({ key }) => key === one.name),
        );
    }
    const folder = found.find(({ name }) => name === entry.key);
    return [{ name: entry.key, image: { ...folder?.image, ...entry.image }, by: [entry, ...(folder?.by ?? [])] }];
}

function nameMistakes({ key, image }: Entry, found: Found[]): string[] {
    if (!repositoryName.test(key)) {
        return [`${pathText(["images", key])}: "${key}" ${noRepositoryName}; ${repositoryNameRule}`];
    }
    const one = found.find(({ name }) => name === key);
    return !one || image.context === undefined || path.resolve(image.context) === path.resolve(one.image.context ?? "")
        ? []
        : [
              `${pathText(["images", key, "context"])}: "${key}" is ${one.folder} already, by "${one.by[0]?.key}"; leave ` +
                  "context out, which changes other keys of that image, or choose another name",
          ];
}

function patternMistakes(entry: Entry, found: Found[]): string[] {
    const own = found.filter(({ by }) => by[0] === entry);
    const mistakes = own.flatMap(({ name, folder }) => {
        const first = found.find((one) => one.name === name);
        if (!repositoryName.test(name)) {
            return [`${folder}: "${name}" ${noRepositoryName}; ${repositoryNameRule} for the folder`];
        }
        return first?.by[0] === entry
            ? []
            : [`${folder}: "${name}" is ${first?.folder} already, by "${first?.by[0]?.key}"; rename a folder`];
    });
    // Without one of these, what is looked for is not what was meant.
    const isKnown = !["context", "dockerfile", "overrides"].some((key) => entry.wrong.has(key));
    const none = own.length === 0 && isKnown ? [noFolderMistake({ pattern: entry.key, ...entry })] : [];
    return [...none, ...mistakes].map((mistake) => `${pathText(["images", entry.key])}: ${mistake}`);
}

/** What is wrong with an image whose keys by themselves are right. */
function declarationMistakes({ image, by }: Declared, images: Images, facts: ImageFacts): string[] {
    const { bases = [], secrets = [] } = image;
    const entryOfKey = (key: string) => by.find(({ written }) => written.includes(key));
    const wrong = new Set(Object.keys(imageKeys).filter((key) => entryOfKey(key)?.wrong.has(key)));
    const mistakes: Mistake[] = [
        ...imageMistakes(image, { ...facts, platformsIn: "setting platforms" }, wrong),
        ...secretMistakes(secrets, facts.buildSecrets).map((what) => ({ at: ["secrets"], what })),
        ...bases.flatMap((base) => baseMistakes(base, image, images, facts)).map((what) => ({ at: ["bases"], what })),
    ];
    return mistakes.map(({ at, what }) => {
        const { key = "" } = entryOfKey(String(at[0])) ?? by[0] ?? {};
        return `${pathText(["images", key, ...at])}: ${what}${exampleHint(what)}`;
    });
}

function secretMistakes(secrets: readonly string[], known: readonly string[]): string[] {
    return secrets
        .filter((secret) => !known.includes(secret))
        .map(
            (secret) => `"${secret}": setting buildSecrets has no such value; set it by: ${buildSecretCommand(secret)}`,
        );
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
