import * as pulumi from "@pulumi/pulumi";
import { isObject } from "../components/settings/collections";
import { pathText } from "../components/settings/mistakes";
import { isSecretSetting } from "../components/settings/secrets";
import type { ImageDeclaration } from "./images";
import type { StackFile } from "./written";

/** The keys of an image whose values the state can keep as secrets: nothing else is named by them, or looked for. */
const canBeSecret: readonly string[] = [
    ...(["args", "labels", "annotations", "trigger", "addHosts"] as const),
    ...(["options", "cacheFrom", "cacheTo"] as const),
] satisfies (keyof ImageDeclaration)[];

/** What images are created with: where a part of setting `images` is a secret, the state has none of these values in plain. */
export function secretOptions(): pulumi.ComponentResourceOptions {
    return isSecretSetting("images") ? { transformations: [withSecretInputs] } : {};
}

// Pulumi does not tell which part is the secret.
function withSecretInputs({ props, opts }: pulumi.ResourceTransformationArgs): pulumi.ResourceTransformationResult {
    const given = Object.entries(props).filter(([name, value]) => canBeSecret.includes(name) && value !== undefined);
    return {
        props: { ...props, ...Object.fromEntries(given.map(([name, value]) => [name, pulumi.secret(value)])) },
        opts,
    };
}

/**
 * The values of images that were set as secrets and cannot stay so, each as one line.
 *
 * @param images the setting as Pulumi hands it over
 */
export function imageSecretMistakes(images: unknown, file: StackFile): string[] {
    return secretsIn(images, ["images"], file).map(
        (at) =>
            `${pathText(at)}: is a secret, and would be in plain text in the state; set it without --secret, and have what ` +
            "is secret in it in buildSecrets",
    );
}

/** The paths of values that are secrets in the file, but for those of the keys that can be. */
function secretsIn(value: unknown, at: readonly (string | number)[], file: StackFile): (string | number)[][] {
    if (file.sourceOf([...at, "secure"]) !== undefined && isSecretSetting("images")) {
        return [[...at]];
    }
    const isImage = at.length === 2 || (at.length === 4 && at[2] === "overrides");
    const parts = Array.isArray(value) ? [...value.entries()] : Object.entries(isObject(value) ? value : {});
    return parts
        .filter(([name]) => !isImage || !canBeSecret.includes(String(name)))
        .flatMap(([name, part]) => secretsIn(part, [...at, name], file));
}
