import { isObject } from "../components/settings/collections";
import { Given } from "../components/settings/given";
import { isSecretSetting } from "../components/settings/secrets";
import type { StackFile } from "./written";

/**
 * The names of the build secrets that are in plain text, as they then are in the stack's state too. Pulumi tells only
 * whether a setting has any secret, and hands all its values over alike: the file tells them apart. Where values come from
 * elsewhere, one secret among them vouches for all.
 *
 * @param buildSecrets the setting as Pulumi hands it over
 */
export function plainSecrets(buildSecrets: unknown, file: StackFile): string[] {
    const isSecret = isSecretSetting("buildSecrets");
    const isPlain = (name: string) => file.sourceOf(["buildSecrets", name]) !== undefined || !isSecret;
    const values = Object.entries(isObject(buildSecrets) ? buildSecrets : {});
    return values.filter(([name, value]) => isText(value) && isPlain(name)).map(([name]) => name);
}

/** Whether it is a text, or what the file may have in a text's place, as a number. An empty one tells nothing. */
function isText(value: unknown): boolean {
    return value instanceof Given || (typeof value === "string" && value !== "");
}
