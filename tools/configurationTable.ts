// Writes what follows from the tables of settings and image keys (configuration/settings.ts, configuration/images.ts): the
// two tables of docs/configuration.md, section config of Pulumi.yaml, and the JSON schema of stack files for editors.
//
//     npx tsx tools/configurationTable.ts
import { readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { stringify } from "yaml";
import { imageKeys } from "../configuration/images";
import { allSettings } from "../configuration/settings";

/** A file of the project, by its path from the project's folder. */
const fileOf = (file: string) => path.resolve(__dirname, "..", file);
const read = (file: string) => readFileSync(fileOf(file), "utf8");

const cell = (text: string) => text.replaceAll("|", "\\|");

/** A table in Markdown. */
export function table(columns: string[], rows: string[][]): string {
    const lines = [columns, columns.map(() => "---"), ...rows.map((row) => row.map(cell))];
    return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
}

/** Every setting with its default. */
export const settings = Object.entries(allSettings).map(([name, schema]) => {
    const byDefault: unknown = v.getDefault(schema);
    return { name, schema, byDefault, meaning: v.getDescription(schema) ?? "" };
});

function typeOf(value: unknown): string {
    return Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value;
}

/** A value on one line. */
function oneLine(value: unknown): string {
    const form = { collectionStyle: "flow", flowCollectionPadding: false, lineWidth: 0 } as const;
    return stringify(value, form).trimEnd();
}

/** The table of the settings. */
export function configurationTable(): string {
    const rows = settings.map(({ name, byDefault, meaning }) => {
        const shown = byDefault === "" ? "" : `\`${oneLine(byDefault)}\``;
        return [`\`${name}\``, typeOf(byDefault), shown, meaning];
    });
    return table(["setting", "type", "default", "meaning"], rows);
}

/** The table of the keys of an image. */
export function imageTable(): string {
    const rows = Object.entries(imageKeys).map(([name, schema]) => {
        const { byDefault } = v.getMetadata(schema) as { byDefault: string };
        return [`\`${name}\``, v.getDescription(schema) ?? "", byDefault];
    });
    return table(["key", "meaning", "default"], rows);
}

/**
 * Section `config` of Pulumi.yaml. Without types on purpose: with them the engine refuses the first value of a wrong type
 * in a message of its own, before the program can tell all mistakes.
 */
export function pulumiSection(): string {
    const entries = settings.flatMap(({ name, byDefault, meaning }) => [
        `  ${name}:`,
        `    default: ${oneLine(byDefault)}`,
        `    description: ${stringify(meaning, { lineWidth: 0 }).trimEnd()}`,
    ]);
    return [
        "config:",
        "  # Made by: npx tsx tools/configurationTable.ts. The program checks the values, and tells all mistakes at once.",
        ...entries,
        "",
    ].join("\n");
}

/** Replaces a section of a YAML file, which ends where the next one begins. */
export function withSection(yaml: string, section: string): string {
    const name = section.slice(0, section.indexOf(":"));
    const old = new RegExp(`^${name}:\\n(?:[ #].*\\n|\\n)*`, "m");
    if (!old.test(yaml)) {
        throw new Error(`Pulumi.yaml: there is no section ${name}`);
    }
    return yaml.replace(old, () => section);
}

/**
 * A page with new text between its markers `<!-- NAME -->` and `<!-- /NAME -->`.
 *
 * @param page its path, from the project's folder
 * @param blocks the new texts, by name
 * @throws Error if markers are missing
 */
export function pageWith(page: string, blocks: { [name: string]: string }): string {
    return Object.entries(blocks).reduce((text, [name, block]) => {
        const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
        const [from, to] = [text.indexOf(begin), text.indexOf(end)];
        if (from < 0 || to < from) {
            throw new Error(`${page}: the markers ${begin} and ${end} are missing`);
        }
        return `${text.slice(0, from + begin.length)}\n${block}\n${text.slice(to)}`;
    }, read(page));
}

/** The JSON schema of a stack file, as editors use it. */
export function stackSchema(project: string) {
    const properties = settings.map(({ name, schema }) => [
        `${project}:${name}`,
        forEditors(toJsonSchema(schema, { errorMode: "ignore" })),
    ]);
    const names = properties.map(([name]) => name);
    return {
        $schema: "http://json-schema.org/draft-07/schema#",
        title: `A stack of ${project}`,
        type: "object",
        properties: {
            config: {
                type: "object",
                properties: Object.fromEntries(properties),
                propertyNames: { anyOf: [{ enum: names }, { not: { pattern: `^${project}:` } }] },
            },
        },
    };
}

/** Without what only this project understands, and in the usual words. */
function forEditors(schema: object): object {
    const text = JSON.stringify(schema, (key, value) => {
        if (key === "byDefault" || key === "$schema" || (key === "required" && value.length === 0)) {
            return undefined;
        }
        return key === "additionalProperties" && JSON.stringify(value) === '{"not":{}}' ? false : value;
    });
    return JSON.parse(text) as object;
}

/** The files, as they should be. */
export function renewed(): { [file: string]: string } {
    const page = "docs/configuration.md";
    return {
        [page]: pageWith(page, { configuration: configurationTable(), "image-keys": imageTable() }),
        "Pulumi.yaml": withSection(read("Pulumi.yaml"), pulumiSection()),
        "configuration/stack.schema.json": `${JSON.stringify(stackSchema("native-buildx"), undefined, 2)}\n`,
    };
}

/** Writes files of the project. */
export function write(files: { [file: string]: string }): void {
    for (const [file, text] of Object.entries(files)) {
        writeFileSync(fileOf(file), text);
    }
}

if (require.main === module) {
    write(renewed());
}
