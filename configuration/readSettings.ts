import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { isPlatform } from "../components/architecture";
import { ciMistakes } from "../components/ci/ciAccess";
import { type RegistryKind, reachMistakes, registryKind } from "../components/registry/kinds";
import { clusterTrustMistakes } from "../components/runner/cluster/mistakes";
import { runnerKind } from "../components/runner/kinds";
import { platformMistakes } from "../components/runner/settings";
import { isObject, keysOf } from "../components/settings/collections";
import { type Parsed, parsed, pathText, throwMistakes } from "../components/settings/mistakes";
import { buildSecretCommand, plainTextMistake } from "../components/settings/secrets";
import { imageSecretMistakes } from "./imageSecrets";
import { namespaceMistakes } from "./otherNamespaces";
import { plainSecrets, untoldSecrets, untoldWarning } from "./plainSecrets";
import { readImages } from "./readImages";
import { allSettings, type Settings } from "./settings";
import { stackNameMistakes } from "./stackName";
import { totalLengthMistakes } from "./totalLength";
import { marked, type StackFile, stackFile } from "./written";

/** The configuration before it is checked: what Pulumi hands over, by setting. */
export type RawSettings = { [setting: string]: unknown };

/** The settings before the secrets among them are Pulumi's. */
type PlainSettings = Omit<Settings, "buildSecrets"> & { buildSecrets: { [name: string]: string } };

// The images are read by themselves, each key of them: one wrong key does not hide other mistakes.
const { images: _images, ...others } = allSettings;
const settingsSchema = keysOf("SETTING: value", others, "no such setting; docs/configuration.md lists all settings");

/** The settings as far as they are right, and every mistake in them, each as one line: setting, mistake, remedy. */
export function checkedSettings(
    { images: rawImages = {}, ...raw }: RawSettings,
    project: string,
): Parsed<PlainSettings> {
    const { value, mistakes, wrong } = parsed(settingsSchema, raw, []);
    const known = wrong.has("platforms") ? [] : [...new Set(value.platforms.filter(isPlatform))];
    const declared = readImages(rawImages, {
        platforms: known,
        project,
        hasCompileCluster: value.compileCluster || wrong.has("compileCluster"),
        buildSecrets: Object.keys(isObject(raw.buildSecrets) ? raw.buildSecrets : {}),
    });
    return {
        value: { ...value, platforms: known, images: declared.images },
        mistakes: [
            ...mistakes,
            ...(wrong.has("platforms") ? [] : platformMistakes(value.platforms)),
            ...declared.mistakes,
        ],
        wrong,
    };
}

/**
 * Reads the stack's configuration and checks all of it, and for what is on this machine the machine, before anything is
 * built.
 *
 * @param project its folder
 * @param otherNamespaces those that the program reads settings from besides, which may have the names of settings here
 * @throws {pulumi.RunError} that lists every mistake
 */
export async function readSettings(
    stackName: string,
    project = process.cwd(),
    otherNamespaces: readonly string[] = [],
): Promise<Settings> {
    const file = stackFile(project, pulumi.getStack(), pulumi.getProject());
    const raw = rawSettings(file);
    const plain = plainSecrets(raw.buildSecrets, file);
    const { value, mistakes, wrong } = checkedSettings(without(plain, raw), project);
    const config = pulumi.runtime.allConfig();
    mistakes.push(...namespaceMistakes(Object.keys(config), pulumi.getProject(), otherNamespaces));
    mistakes.push(...totalLengthMistakes(config));
    mistakes.push(...plain.map((name) => plainTextMistake(pathText(["buildSecrets", name]), buildSecretCommand(name))));
    mistakes.push(...imageSecretMistakes(raw.images, file));
    if (!wrong.has("runners") && !wrong.has("registry")) {
        const more = await kindMistakes(value, stackName);
        // Of a setting that is wrong by itself nothing more can be told, and two kinds may say the same of a third thing.
        mistakes.push(...new Set(more.filter((mistake) => !wrong.has(/^\w*/.exec(mistake)?.[0] ?? ""))));
    }
    throwMistakes("The configuration", mistakes);
    const untold = untoldSecrets(raw.buildSecrets, file);
    if (untold.length > 0) {
        void pulumi.log.warn(untoldWarning(untold, file));
    }
    return { ...value, buildSecrets: pulumi.secret(value.buildSecrets) };
}

/** The settings with such build secrets emptied: what is in plain text is told by itself, and goes no further. */
function without(plain: string[], { buildSecrets, ...others }: RawSettings): RawSettings {
    return isObject(buildSecrets)
        ? { ...others, buildSecrets: { ...buildSecrets, ...Object.fromEntries(plain.map((name) => [name, ""])) } }
        : { ...others, buildSecrets };
}

/** What the kinds in use find wrong with their settings, and with this machine. */
async function kindMistakes(values: PlainSettings, stackName: string): Promise<string[]> {
    const runners = runnerKind(values.runners);
    const registry = registryKindOf(values);
    const isOnThisMachine = runners.areOnThisMachine && registryKind(registry).isOnThisMachine;
    return [
        ...stackNameMistakes(stackName),
        ...reachMistakes(registry, runners.areOnThisMachine),
        ...clusterTrustMistakes(values),
        ...(await runners.load().mistakes(values, stackName)),
        ...(await registryKind(registry).load().mistakes(values, stackName)),
        ...ciMistakes(values, isOnThisMachine),
    ];
}

/** The kind of registry that is meant: that of the runners, unless it is set. */
export function registryKindOf({ registry, runners }: Pick<Settings, "registry" | "runners">): RegistryKind {
    return (registry || runnerKind(runners).registry) as RegistryKind;
}

/** The project's own settings as Pulumi has them: all texts, some of them JSON. */
function rawSettings(file: StackFile): RawSettings {
    const namespace = `${pulumi.getProject()}:`;
    const own = Object.entries(pulumi.runtime.allConfig()).filter(([name]) => name.startsWith(namespace));
    return Object.fromEntries(
        own.flatMap(([name, text]) => {
            const setting = name.slice(namespace.length);
            const value = structured(setting, text, file);
            return value === "" && isStructured(setting) ? [] : [[setting, marked(value, file, [setting])]];
        }),
    );
}

/** Whether a list or an object is meant. */
function isStructured(setting: string): boolean {
    const schema = Object.hasOwn(allSettings, setting) && allSettings[setting as keyof typeof allSettings];
    return schema !== false && typeof v.getDefault(schema) === "object";
}

/** A list or an object where one is meant. What the stack file has as a text stays one, and is refused as such. */
function structured(setting: string, text: string, file: StackFile): unknown {
    if (!isStructured(setting) || text === "") {
        return text;
    }
    try {
        const value: unknown = JSON.parse(text);
        return file.hasAsText(setting) ? text : value;
    } catch {
        return text;
    }
}
