import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { checkedSettings } from "../configuration/readSettings";
import { examplesOf } from "../tests/helpers/page";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";
import { imageTable, pageWith, renewed, settings, stackSchema, table, withSection } from "./configurationTable";
import { renewedCosts } from "./costTable";

const project = path.join(__dirname, "..");
const read = (file: string) => readFileSync(path.join(project, file), "utf8");

/** What a schema says of texts. */
interface TextSchema {
    type?: string[];
    pattern?: string;
    enum?: unknown[];
}

describe("what is made from the tables of settings and image keys", () => {
    test.each(Object.entries(renewed()))(
        "%s is as it should be (else: npx tsx tools/configurationTable.ts)",
        (file, text) => {
            expect(text).toBe(read(file));
        },
    );

    test.each(["Pulumi.dev.yaml", "Pulumi.prod.yaml", "Pulumi.prod-pr.yaml"])(
        "%s names the schema, for editors",
        (file) => {
            const [, schema = ""] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(read(file)) ?? [];
            expect(Object.keys(renewed())).toContain(schema);
        },
    );

    test("the schema takes numbers and booleans as pulumi config set writes them, which is as texts", () => {
        const { properties } = stackSchema("demo").properties.config;
        const plain = settings.filter(({ byDefault }) => ["number", "boolean"].includes(typeof byDefault));
        expect(plain.length).toBeGreaterThan(10);
        const refused = plain.filter(({ name, byDefault }) => {
            const { type = [], pattern = "$^", enum: words = [] } = properties[`demo:${name}`] as TextSchema;
            const isText = type.includes("string") && new RegExp(pattern).test(String(byDefault));
            return !isText && !words.includes(String(byDefault));
        });
        expect(refused.map(({ name }) => name)).toEqual([]);
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
        const folder = temporaryFolder();
        const page = path.join(folder, "page.md");
        writeFileSync(page, "a\n<!-- x -->\nold\n<!-- /x -->\nb");
        expect(pageWith(page, { x: "new" })).toBe("a\n<!-- x -->\nnew\n<!-- /x -->\nb");
        expect(() => pageWith(page, { y: "new" })).toThrow(
            `${page}: the markers <!-- y --> and <!-- /y --> are missing`,
        );
        rmSync(folder, { recursive: true });
    });
});

/** All pages, by their paths from the project's folder. */
const pages = [
    "README.md",
    "examples/encoder/README.md",
    "packages/simulated-ec2/README.md",
    ...readdirSync(path.join(project, "docs"))
        .filter((file) => file.endsWith(".md"))
        .map((file) => path.join("docs", file)),
];

/** The anchors of a page: its headings as GitHub writes them. */
function anchorsOf(page: string): string[] {
    const headings = [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading.toLowerCase());
    return headings.map((heading) => heading.replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-"));
}

/** Links of a page that lead nowhere; those to other sites are not followed. */
function deadLinks(page: string): string[] {
    const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
    return links.filter((link) => {
        const [file = "", anchor] = link.split("#");
        const target = file === "" ? page : path.join(path.dirname(page), file);
        const isThere = link.startsWith("https://") || existsSync(path.join(project, target));
        return !isThere || (target.endsWith(".md") && anchor !== undefined && !anchorsOf(target).includes(anchor));
    });
}

/** Messages of the pages' tables, from their first columns. */
function messagesOf(page: string): string[] {
    const [, table = ""] = read(page).split("\n| message |");
    return [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, message = ""]) => message);
}

describe("the pages", () => {
    test.each(Object.entries(renewedCosts()))(
        "%s has the costs of the price table (else: npx tsx tools/costTable.ts)",
        (page, text) => {
            expect(text).not.toContain("NaN");
            expect(text).toBe(read(page));
        },
    );

    test.each([
        ["index.ts", "typescript"],
        ["Pulumi.yaml", "yaml"],
    ])("have %s of the example of the components as it is", (file, language) => {
        expect(read("docs/configuration.md")).toContain(
            `\`\`\`${language}\n${read(`examples/components/${file}`)}\`\`\``,
        );
    });

    test("have an example of images that is right", () => {
        const [, example = ""] = /```yaml\n(config:\n[^`]*)```/.exec(read("README.md")) ?? [];
        const images = parse(example).config["native-buildx:images"];
        const folder = temporaryFolder();
        for (const context of ["base", "app"]) {
            mkdirSync(path.join(folder, context));
            writeFileSync(path.join(folder, context, "Dockerfile"), "FROM scratch\n");
        }
        const checked = checkedSettings({ images, buildSecrets: { npmToken: "secret" } }, folder);
        expect(checked.mistakes).toEqual([]);
        expect(Object.keys(checked.value.images)).toEqual(["base", "app"]);
        rmSync(folder, { recursive: true });
    });

    test.each(["docs/compile-cluster.md", "docs/old-ways.md"])(
        "%s: its settings of a compile cluster are right",
        (page) => {
            const folder = temporaryFolder();
            mkdirSync(path.join(folder, "encoder"));
            writeFileSync(path.join(folder, "encoder/Dockerfile"), "FROM scratch\n");
            const examples = examplesOf(page).filter(({ text }) => text.includes("native-buildx:compileCluster"));
            expect(examples).toHaveLength(1);
            const settings = Object.entries(parse(examples[0]?.text ?? "").config as object);
            const own = Object.fromEntries(
                settings.map(([name, value]) => [name.replace("native-buildx:", ""), value]),
            );
            expect(checkedSettings(own, folder).mistakes).toEqual([]);
            rmSync(folder, { recursive: true });
        },
    );

    test.each(pages)("%s: its links lead somewhere", (page) => {
        expect(deadLinks(page)).toEqual([]);
    });

    test("are all in the README", () => {
        const readme = read("README.md");
        expect(pages.filter((page) => page !== "README.md" && !readme.includes(`](${page})`))).toEqual([]);
    });

    test.each(["docs/troubleshooting.md", "docs/registries.md"])("%s explains messages that the code has", (page) => {
        const sources = ["components", "configuration", "provider", "tools"].flatMap((folder) =>
            readdirSync(path.join(project, folder), { recursive: true, encoding: "utf8" })
                .filter((file) => /(?<!\.test)\.(ts|sh)$/.test(file) && !file.startsWith("bin/"))
                .map((file) => read(path.join(folder, file))),
        );
        // As one text: a message may be broken over lines of code, and its values are written differently everywhere.
        const words = (text: string) => text.replace(/\$\{[^}]*\}|\$[a-z]+|[^a-zA-Z0-9]+/g, " ");
        const all = words(sources.join("\n"));
        const messages = messagesOf(page);
        expect(messages.length).toBeGreaterThan(1);
        const parts = messages.flatMap((message) => message.split("…").map((part) => words(part).trim()));
        expect(parts.filter((part) => !all.includes(part))).toEqual([]);
    });
});
