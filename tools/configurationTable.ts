// Writes the README's table of the configuration from Pulumi.yaml, the only place that declares it:
//
//     npx tsx tools/configurationTable.ts
import { readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";

/** A setting as Pulumi.yaml declares it. */
export interface Setting {
    name: string;
    type: string;
    /** As it is written. Empty: there is none. */
    defaultValue: string;
    description: string;
}

/**
 * The settings of a Pulumi.yaml, in its order. Knows the form that ours is written in, one line for each property.
 *
 * @throws Error at a line of another form
 */
export function readSettings(pulumiYaml: string): Setting[] {
    const lines = pulumiYaml.split("\n");
    const begin = lines.indexOf("config:");
    const end = lines.findIndex((line, at) => at > begin && /^\S/.test(line) && !line.startsWith("#"));
    const settings: Setting[] = [];
    for (const line of begin < 0 ? [] : lines.slice(begin + 1, end < 0 ? undefined : end)) {
        const [, name] = /^ {2}(\S+):$/.exec(line) ?? [];
        const [, property, value] =
            /^ {4}(type|default|value|description|secret|items):(?: ([^|>].*))?$/.exec(line) ?? [];
        const setting = settings.at(-1);
        if (name) {
            settings.push({ name: unquoted(name), type: "", defaultValue: "", description: "" });
        } else if (setting && property) {
            describe(setting, property, value ?? "");
        } else if (!/^\s*(#.*)?$/.test(line) && !/^ {6}/.test(line)) {
            throw new Error(`Pulumi.yaml: not understood: "${line}"; write each property of a setting on one line`);
        }
    }
    return settings;
}

function describe(setting: Setting, property: string, value: string): void {
    if (property === "type") {
        setting.type = value;
    } else if (property === "default" || property === "value") {
        setting.defaultValue = unquoted(value);
    } else if (property === "description") {
        setting.description = unquoted(value);
    }
}

function unquoted(text: string): string {
    if (text.startsWith('"')) {
        return JSON.parse(text) as string;
    }
    return text.startsWith("'") ? text.slice(1, -1).replaceAll("''", "'") : text;
}

/** The settings as a table in Markdown. */
export function configurationTable(settings: Setting[]): string {
    const cell = (text: string) => text.replaceAll("|", "\\|");
    const rows = settings.map(({ name, type, defaultValue, description }) => {
        const columns = [`\`${name}\``, type, defaultValue && `\`${defaultValue}\``, description];
        return `| ${columns.map(cell).join(" | ")} |`;
    });
    return ["| setting | type | default | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

/** Replaces what stands between `<!-- NAME -->` and `<!-- /NAME -->`. */
export function withBlock(text: string, name: string, block: string): string {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) {
        throw new Error(`README.md: the markers ${begin} and ${end} are missing`);
    }
    return `${text.slice(0, from + begin.length)}\n${block}\n${text.slice(to)}`;
}

if (require.main === module) {
    const readme = path.join(__dirname, "../README.md");
    const settings = readSettings(readFileSync(path.join(__dirname, "../Pulumi.yaml"), "utf8"));
    writeFileSync(readme, withBlock(readFileSync(readme, "utf8"), "configuration", configurationTable(settings)));
}
