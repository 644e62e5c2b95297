import type * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../components/architecture";
import { ciSettings } from "../components/ci/settings";
import { registryKinds } from "../components/registry/kinds";
import { defaultRunners, runnerKinds } from "../components/runner/kinds";
import { runnerSettings } from "../components/runner/settings";
import { mapOf, secretMap } from "../components/settings/collections";
import { choice, setting, wholeNumber } from "../components/settings/kinds";
import { settingsOf, type ValuesOf } from "../components/settings/values";
import { type ImageDeclaration, imageDeclaration } from "./images";

/** The kinds by their names, each with what it means. */
const kinds = (table: { [kind: string]: { meaning: string } }) =>
    Object.entries(table)
        .map(([kind, { meaning }]) => `"${kind}" for ${meaning}`)
        .join(", ");

/** The two questions. */
const kindSettings = {
    runners: setting(choice(...Object.keys(runnerKinds)), defaultRunners, `Where it is built: ${kinds(runnerKinds)}.`),
    registry: setting(
        choice("", ...Object.keys(registryKinds)),
        "",
        `Where it is pushed: ${kinds(registryKinds)}. Empty for the one that fits the runners.`,
    ),
};

/** What is built. */
const imageSettings = {
    images: setting(
        mapOf("NAME: {context: FOLDER}", imageDeclaration),
        {},
        'Images to build and push, NAME or a pattern of folders such as "services/*", then context and more keys; docs/configuration.md lists them.',
    ),
    buildSecrets: setting(
        secretMap(),
        {},
        'Secrets that images name in their key secrets. Set each by "pulumi config set --secret --path buildSecrets.NAME VALUE".',
    ),
    buildsPerRunner: setting(wholeNumber(1, 64), 4, "Builds that run side by side on one runner; others wait."),
};

/**
 * All settings, each declared once, where it is used: types, checks, messages, Pulumi.yaml, the tables of the docs and the
 * editors' schema follow (`npx tsx tools/configurationTable.ts`). In the order in which people read them.
 */
export const allSettings = {
    ...kindSettings,
    ...runnerSettings,
    ...imageSettings,
    ...settingsOf(runnerKinds),
    ...settingsOf(registryKinds),
    ...ciSettings,
};

/** The configuration as plain values, checked. Those of kinds that are not in use have their defaults. */
export type Settings = Omit<ValuesOf<typeof allSettings>, "platforms" | "images" | "buildSecrets"> & {
    platforms: readonly Platform[];
    images: { [name: string]: ImageDeclaration };
    buildSecrets: pulumi.Output<{ [name: string]: string }>;
};
