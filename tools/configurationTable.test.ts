import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { imageTable, renewed, settings, table, withBlock, withSection } from "./configurationTable";
import { costTable, defaultCacheGigabytes } from "./costTable";

const project = path.join(__dirname, "..");
const read = (file: string) => readFileSync(path.join(project, file), "utf8");

describe("what is made from the tables of settings and image keys", () => {
    test.each(Object.entries(renewed()))(
        "%s is as it should be (else: npx tsx tools/configurationTable.ts)",
        (file, text) => {
            expect(text).toBe(read(file));
        },
    );

    test.each(["Pulumi.dev.yaml", "Pulumi.prod.yaml"])("%s names the schema, for editors", (file) => {
        const [, schema = ""] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(read(file)) ?? [];
        expect(Object.keys(renewed())).toContain(schema);
    });

    test("describes every setting and every key", () => {
        expect(settings.filter(({ meaning }) => !/^[A-Z`].*\.$/.test(meaning)).map(({ name }) => name)).toEqual([]);
        const keys = imageTable().split("\n").slice(2);
        expect(keys.filter((row) => !/^\| `\w+` \| [A-Z`].*\. \| \S.* \|$/.test(row))).toEqual([]);
    });

    test("a table has its columns, and no bar in a cell ends it", () => {
        expect(table(["a", "b"], [["1", "x|y"]])).toBe("| a | b |\n| --- | --- |\n| 1 | x\\|y |");
    });

    test("a section is replaced up to the next one, and must be there", () => {
        const yaml = "name: x\nconfig:\n  # old\n  old:\n    default: 1\n\n# the end\nplugins: {}\n";
        expect(withSection(yaml, "config:\n  new: {}\n")).toBe("name: x\nconfig:\n  new: {}\nplugins: {}\n");
        expect(withSection("config:\n  old: 1\n", "config:\n  a: $&\n")).toBe("config:\n  a: $&\n");
        expect(() => withSection("name: x\n", "config:\n")).toThrow("no section config");
    });

    test("a block is replaced between its markers, which must be there", () => {
        expect(withBlock("a\n<!-- x -->\nold\n<!-- /x -->\nb", "x", "new")).toBe("a\n<!-- x -->\nnew\n<!-- /x -->\nb");
        expect(() => withBlock("a", "x", "new")).toThrow("markers");
    });
});

describe("the README", () => {
    const readme = read("README.md");

    test("has the costs of the price table (else: npx tsx tools/costTable.ts)", () => {
        const block = costTable(defaultCacheGigabytes);
        expect(block).not.toContain("NaN");
        expect(withBlock(readme, "costs", block)).toBe(readme);
    });

    test("has the example of the components as it is", () => {
        expect(readme).toContain(`\`\`\`typescript\n${read("examples/components/index.ts")}\`\`\``);
    });

    test("leads to files that exist", () => {
        const links = [...readme.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link]) => link as string);
        const local = links.filter((link) => !link.startsWith("https://"));
        expect(local.length).toBeGreaterThan(5);
        for (const link of local) {
            expect(read(link)).not.toBe("");
        }
    });

    test("explains messages that the code really has", () => {
        const sources = ["components", "configuration", "provider", "tools"].flatMap((folder) =>
            readdirSync(path.join(project, folder), { recursive: true, encoding: "utf8" })
                .filter((file) => /\.(ts|sh)$/.test(file) && !file.startsWith("bin/"))
                .map((file) => read(path.join(folder, file))),
        );
        // As one text: a message may be broken over lines of code, and its values are written differently everywhere.
        const words = (text: string) => text.replace(/\$\{[^}]*\}|\$[a-z]+|[^a-zA-Z0-9]+/g, " ");
        const all = words(sources.join("\n"));
        const [, section = ""] = readme.split("## When something goes wrong");
        const messages = [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, message]) => message as string);
        expect(messages.length).toBeGreaterThan(10);
        const parts = messages.flatMap((message) => message.split("…").map((part) => words(part).trim()));
        expect(parts.filter((part) => !all.includes(part))).toEqual([]);
    });
});
