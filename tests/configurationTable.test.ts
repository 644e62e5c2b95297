import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { configurationTable, readSettings, withBlock } from "../tools/configurationTable";
import { costTable, defaultCacheGigabytes } from "../tools/costTable";

const project = path.join(__dirname, "..");
const read = (file: string) => readFileSync(path.join(project, file), "utf8");

describe("the settings of a Pulumi.yaml", () => {
    test("are read in their order, quoted or not", () => {
        const settings = readSettings(
            [
                "name: x",
                "config:",
                "  # a comment",
                "  one:",
                "    type: array",
                "    items:",
                "      type: string",
                "    default: [a, b]",
                "    description: First | one.",
                "  aws:region:",
                '    value: "eu-central-1"',
                "  token:",
                "    type: string",
                "    secret: true",
                "    description: 'It''s secret.'",
                "other: {}",
            ].join("\n"),
        );
        expect(settings).toEqual([
            { name: "one", type: "array", defaultValue: "[a, b]", description: "First | one." },
            { name: "aws:region", type: "", defaultValue: "eu-central-1", description: "" },
            { name: "token", type: "string", defaultValue: "", description: "It's secret." },
        ]);
        expect(configurationTable(settings).split("\n").slice(2)).toEqual([
            "| `one` | array | `[a, b]` | First \\| one. |",
            "| `aws:region` |  | `eu-central-1` |  |",
            "| `token` | string |  | It's secret. |",
        ]);
    });

    test.each(["    description: >-", "    descripton: x", "   type: string"])(
        "a line it does not know is an error: %s",
        (line) => {
            expect(() => readSettings(`config:\n  one:\n${line}`)).toThrow("not understood");
        },
    );

    test("a block is replaced between its markers, which must be there", () => {
        expect(withBlock("a\n<!-- x -->\nold\n<!-- /x -->\nb", "x", "new")).toBe("a\n<!-- x -->\nnew\n<!-- /x -->\nb");
        expect(() => withBlock("a", "x", "new")).toThrow("markers");
    });
});

describe("the README", () => {
    const readme = read("README.md");

    test("has the configuration of Pulumi.yaml (else: npx tsx tools/configurationTable.ts)", () => {
        const settings = readSettings(read("Pulumi.yaml"));
        expect(settings.length).toBeGreaterThan(0);
        expect(withBlock(readme, "configuration", configurationTable(settings))).toBe(readme);
        expect(settings.filter(({ description }) => !description).map(({ name }) => name)).toEqual([]);
    });

    test("has the costs of the price table (else: npx tsx tools/costTable.ts)", () => {
        const block = costTable(defaultCacheGigabytes(read("Pulumi.yaml")));
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
        const sources = ["components", "tools"].flatMap((folder) =>
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
