import type { Schemas } from "../settings/values";
import { ecrSettings } from "./ecr/settings";
import { genericRegistrySettings } from "./generic/settings";
import { type RegistryRow, row } from "./kind";
import { localRegistrySettings } from "./local/settings";

/** THE table of kinds of registry. To add one: a folder, and a row. */
export const registryKinds = {
    local: row({
        meaning: "a registry on this machine",
        settings: localRegistrySettings,
        isOnThisMachine: true,
        load: () => (require("./local/kind") as typeof import("./local/kind")).kind,
    }),
    ecr: row({
        meaning: "ECR, with a repository for each image",
        settings: ecrSettings,
        isOnThisMachine: false,
        load: () => (require("./ecr/kind") as typeof import("./ecr/kind")).kind,
    }),
    generic: row({
        meaning: "any other, by registryUrl",
        settings: genericRegistrySettings,
        isOnThisMachine: false,
        load: () => (require("./generic/kind") as typeof import("./generic/kind")).kind,
    }),
};

export type RegistryKind = keyof typeof registryKinds;

/** The row of any kind: for code that passes on the values of all kinds. */
export function registryKind(kind: RegistryKind): RegistryRow<Schemas> {
    return registryKinds[kind] as unknown as RegistryRow<Schemas>;
}

/** What is wrong where runners cannot reach the registry, as a line: setting, mistake, remedy. */
export function reachMistakes(kind: RegistryKind, runnersAreOnThisMachine: boolean): string[] {
    if (runnersAreOnThisMachine || !registryKinds[kind].isOnThisMachine) {
        return [];
    }
    const others = Object.entries(registryKinds).flatMap(([other, row]) => (row.isOnThisMachine ? [] : [other]));
    return [
        `registry: "${kind}" is on this machine, where runners elsewhere cannot reach it; use one of: ${others.join(", ")}`,
    ];
}
