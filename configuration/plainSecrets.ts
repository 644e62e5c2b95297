import { isObject } from "../components/settings/collections";
import { Given } from "../components/settings/given";
import { isSecretSetting } from "../components/settings/secrets";
import type { StackFile } from "./written";

/**
 * The names of the build secrets that are in plain text, as they then are in the stack's state too. Pulumi tells only
 * whether a setting has any secret, and hands all its values over alike: the file tells them apart. Of values from elsewhere
 * see `untoldSecrets`.
 *
 * @param buildSecrets the setting as Pulumi hands it over
 */
export function plainSecrets(buildSecrets: unknown, file: StackFile): string[] {
    const isSecret = isSecretSetting("buildSecrets");
    const isPlain = (name: string) => file.sourceOf(["buildSecrets", name]) !== undefined || !isSecret;
    const values = Object.entries(isObject(buildSecrets) ? buildSecrets : {});
    return values.filter(([name, value]) => isText(value) && isPlain(name)).map(([name]) => name);
}

/**
 * The names of the build secrets of which nobody can tell whether they are in plain text: Pulumi says that there is a secret
 * among several, and the file has neither them nor the whole setting as a secret. They are from a file
 * that `--config-file` names, or from a program that sets the configuration; all of them may well be secrets.
 *
 * @param buildSecrets as above
 */
export function untoldSecrets(buildSecrets: unknown, file: StackFile): string[] {
    const values = Object.entries(isObject(buildSecrets) ? buildSecrets : {});
    if (values.length < 2 || !isSecretSetting("buildSecrets") || file.has(["buildSecrets", "secure"])) {
        return [];
    }
    return values.filter(([name, value]) => isText(value) && !file.has(["buildSecrets", name])).map(([name]) => name);
}

/** What to do about them. */
export function untoldWarning(names: string[], file: StackFile): string {
    const command = "pulumi config set --secret --path buildSecrets.NAME VALUE";
    return (
        `buildSecrets: whether ${names.join(", ")} are in plain text cannot be told: Pulumi says only that there is a secret ` +
        `among all, and ${file.path}, which tells them apart, does not have them. Keep them there, where stackConfigDir in ` +
        `Pulumi.yaml can name another folder, or see to it that each was set by: ${command}`
    );
}

/** Whether it is a text, or what the file may have in a text's place, as a number. An empty one tells nothing. */
function isText(value: unknown): boolean {
    return value instanceof Given || (typeof value === "string" && value !== "");
}
