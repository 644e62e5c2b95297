import { readFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { RegistryPreparation } from "../../registry/registry";
import type { ConnectNode } from "../../runner/runner";
import { shellQuote } from "../../shell";

/** All that the connect script is made of, as plain values. */
export interface ConnectScriptInputs {
    /** Name of the multi-node builder. */
    builder: string;
    /** By the runner's name. */
    nodes: { [runner: string]: ConnectNode };
    /** Texts of the wake scripts of the kinds in use. */
    wakeScripts: readonly string[];
    /** What has to run for the registry before a runner is used, and its kind. @default nothing */
    registry?: RegistryPreparation & { kind: string };
}

/** Files of functions that the scripts of kinds use, and that come before them. */
export const sharedParts = ["../../localMachine/folders.sh", "inTime.sh", "knock.sh"].map((part) =>
    path.join(__dirname, part),
);

/** In their order: the last uses the others, and begins. */
const parts = ["clientKeys.sh", "register.sh", "prove.sh", "connect.sh"].map((part) => path.join(__dirname, part));

/** Renders the connect script: a prefix of quoted variables, the kinds' functions, and its parts as they are. */
export function renderConnectScript({ builder, nodes, wakeScripts, registry }: ConnectScriptInputs): string {
    const variables: { [name: string]: string } = {
        // As buildx writes it into its records.
        builder: builder.toLowerCase(),
        runners: Object.keys(nodes).join(" "),
        registry_kind: registry?.kind ?? "",
        ...registry?.variables,
    };
    for (const [runner, node] of Object.entries(nodes)) {
        addVariables(variables, variablesOf(runner, node), runner);
    }
    const read = (file: string) => readFileSync(file, "utf8");
    return [
        "#!/bin/sh",
        `# Connects to ${builder}: wakes its runners and registers them with buildx. Holds no secret.`,
        ...Object.entries(variables).map(([name, value]) => `${name}=${shellQuote(value.trimEnd())}`),
        ...sharedParts.map(read),
        ...(registry ? [registry.script] : []),
        ...wakeScripts,
        ...parts.map(read),
    ].join("\n");
}

function variablesOf(runner: string, { kind, platform, serverName = "", shared, variables }: ConnectNode) {
    const own = { platform, kind, server_name: serverName, ...variables };
    return [
        ...Object.entries(shared ?? {}),
        ...Object.entries(own).map(([name, value]): [string, string] => [`${name}_${runner}`, value]),
    ];
}

/** @throws RunError where a variable has another value already: what needs the one would be started with the other */
function addVariables(variables: { [name: string]: string }, added: [string, string][], runner: string): void {
    for (const [name, value] of added) {
        const before = Object.hasOwn(variables, name) ? variables[name] : value;
        if (before !== value) {
            throw new pulumi.RunError(
                `runners: ${runner} needs another ${name} in connect than the registry, or a runner before it; give it a ` +
                    "RemoteBuilder of its own",
            );
        }
        variables[name] = value;
    }
}
