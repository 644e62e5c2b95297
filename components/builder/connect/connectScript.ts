import { readFileSync } from "node:fs";
import * as path from "node:path";
import { architectures, type Platform } from "../../architecture";
import type { RegistryPreparation } from "../../registry/registry";
import type { ConnectNode } from "../../runner/runner";

/** All that the connect script is made of, as plain values. */
export interface ConnectScriptInputs {
    /** Name of the multi-node builder. */
    builder: string;
    nodes: { [P in Platform]?: ConnectNode };
    /** Texts of the wake scripts of the kinds in use. */
    wakeScripts: string[];
    /** What the registry wants to run first, and its kind. @default nothing */
    registry?: RegistryPreparation & { kind: string };
}

/** Before the scripts of kinds, which use it. */
const folders = path.join(__dirname, "../../localMachine/folders.sh");

/** The last one uses the others, and begins. */
const parts = ["clientKeys.sh", "register.sh", "prove.sh", "connect.sh"];

/** Quotes a value for sh. Nothing but the single quote is special between single quotes. */
export function shellQuote(value: string): string {
    return `'${value.replaceAll("'", "'\\''")}'`;
}

/** Renders the connect script: a prefix of quoted variables, the wake functions, and its parts as they are. */
export function renderConnectScript(inputs: ConnectScriptInputs): string {
    const nodes = Object.entries(inputs.nodes) as [Platform, ConnectNode][];
    const suffixOf = (platform: Platform) => architectures[platform].suffix;
    const variables: { [name: string]: string } = {
        // As buildx writes it into its records.
        builder: inputs.builder.toLowerCase(),
        suffixes: nodes.map(([platform]) => suffixOf(platform)).join(" "),
        registry_kind: inputs.registry?.kind ?? "",
        ...inputs.registry?.variables,
    };
    for (const [platform, node] of nodes) {
        Object.assign(variables, node.shared);
        const own = { platform, kind: node.kind, server_name: node.serverName, ...node.variables };
        for (const [name, value] of Object.entries(own)) {
            variables[`${name}_${suffixOf(platform)}`] = value;
        }
    }
    return [
        "#!/bin/sh",
        `# Connects to ${inputs.builder}: wakes its runners and registers them with buildx. Holds no secret.`,
        ...Object.entries(variables).map(([name, value]) => `${name}=${shellQuote(value.trimEnd())}`),
        readFileSync(folders, "utf8"),
        ...(inputs.registry ? [inputs.registry.script] : []),
        ...inputs.wakeScripts,
        ...parts.map((part) => readFileSync(path.join(__dirname, part), "utf8")),
    ].join("\n");
}
