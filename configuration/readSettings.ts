import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { isPlatform, knownPlatforms } from "../components/architecture";
import type { Ec2Settings } from "./ec2Settings";
import { isObject, keysOf } from "../components/settings/kinds";
import { machineMistakes } from "./machine";
import { type Parsed, parsed, throwMistakes } from "../components/settings/mistakes";
import { readImages } from "./readImages";
import { allSettings, type Ec2Values, type Settings } from "./settings";
import { marked, type StackFile, stackFile } from "./written";

/** What the program is given: the settings, and those that only its kind of runner has. */
export interface StackSettings extends Settings {
    /** With runner type ec2. */
    ec2?: Ec2Settings;
}

/** The configuration before it is checked: what Pulumi hands over, by setting. */
export type RawSettings = { [setting: string]: unknown };

// The images are read by themselves, each key of them: one wrong key does not hide other mistakes.
const { images: _images, ...others } = allSettings;
const settingsSchema = keysOf("SETTING: value", others, "no such setting; the README lists those there are");

/** The settings as far as they are right, and every mistake in them, each as one line: setting, mistake, remedy. */
export function checkedSettings(
    { images: rawImages = {}, ...raw }: RawSettings,
    project: string,
): Parsed<Omit<Settings, "buildSecrets"> & Ec2Values & { buildSecrets: { [name: string]: string } }> {
    const { value, mistakes, wrong } = parsed(settingsSchema, raw, []);
    const known = wrong.has("platforms") ? [] : [...new Set(value.platforms.filter(isPlatform))];
    const declared = readImages(rawImages, {
        platforms: known,
        project,
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

function platformMistakes(platforms: readonly string[]): string[] {
    if (platforms.length === 0) {
        return [`platforms: must be a list of at least one of: ${knownPlatforms.join(", ")}`];
    }
    const unknown = platforms
        .filter((platform) => !isPlatform(platform))
        .map((platform) => `platforms: unknown platform "${platform}"; use: ${knownPlatforms.join(", ")}`);
    const twice = [...new Set(platforms.filter((platform, at) => platforms.indexOf(platform) !== at))];
    return [...unknown, ...twice.map((platform) => `platforms: "${platform}" is there twice; take one out`)];
}

/**
 * Reads the stack's configuration and checks all of it, and for local runners this machine, before anything is built.
 *
 * @throws {pulumi.RunError} that lists every mistake
 */
export async function readSettings(stackName: string, project = process.cwd()): Promise<StackSettings> {
    const file = stackFile(project, pulumi.getStack(), pulumi.getProject());
    const { value, mistakes, wrong } = checkedSettings(rawSettings(file), project);
    const settings: StackSettings = { ...value, buildSecrets: pulumi.secret(value.buildSecrets) };
    if (!wrong.has("runnerType")) {
        const more =
            value.runnerType === "ec2" ? withEc2(settings, value, stackName) : await machineMistakes(value, stackName);
        // Of a setting that is wrong by itself nothing more can be told.
        mistakes.push(...more.filter((mistake) => !wrong.has(/^\w*/.exec(mistake)?.[0] ?? "")));
    }
    throwMistakes(mistakes);
    return settings;
}

function withEc2(settings: StackSettings, values: Ec2Values, stackName: string): string[] {
    // Loaded here: stack dev neither needs the AWS packages nor waits for them.
    const { ec2Mistakes, ec2Settings } = require("./ec2Settings") as typeof import("./ec2Settings");
    settings.ec2 = ec2Settings(settings, values);
    return ec2Mistakes(settings.ec2, stackName);
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
