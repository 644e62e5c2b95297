import { rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import * as v from "valibot";
import { flag, text, wholeNumber } from "../components/settings/kinds";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";
import { marked, stackFile } from "./written";

let project: string;
beforeAll(() => {
    project = temporaryFolder();
});
afterAll(() => rmSync(project, { recursive: true }));

/** What a schema says of a value that arrived, when the stack file has it so. Without a file: null. */
function read(schema: v.GenericSchema, arrived: unknown, written: string | null): unknown {
    const file = path.join(project, "Pulumi.test.yaml");
    rmSync(file, { force: true });
    if (written !== null) {
        writeFileSync(file, `# a stack\nconfig:\n  demo:other: 1\n  demo:values:\n    list:\n      - ${written}\n`);
    }
    const at = ["values", "list", 0];
    const result = v.safeParse(schema, marked(arrived, stackFile(project, "test", "demo"), at));
    return result.success ? result.output : result.issues[0].message;
}

const suspicious = (number: string) =>
    `YAML and Pulumi shorten numbers, ${number} may have been ${number}0; quote it, as in "${number}0"`;
const rounded = "YAML and Pulumi round numbers of more than 15 digits; quote it";
const anew = (written: string) =>
    `YAML and Pulumi write numbers anew, this one as ${written}; write the value that you mean in quotes`;
const changed = (made: string, written: string) => `YAML makes ${made} of ${written}; quote it: "${written}"`;

describe("where a text is meant", () => {
    it.each<[string, unknown, string | null]>([
        ["a number", 1, "1"],
        ["zero", 0, "0"],
        ["a negative number", -7, "-7"],
        ["the longest number", 9007199254740991, "9007199254740991"],
        ["a number without a stack file", 1, null],
        ["a number of another file", 1, "2.50"],
        ["true", true, "true"],
        ["false without a stack file", false, null],
    ])("%s is taken as it is written", (_what, arrived, written) => {
        expect(read(text("a text"), arrived, written)).toBe(String(arrived));
    });

    it.each<[string, string, string]>([
        ["a text", "3.10", '"3.10"'],
        ["a text in single quotes", "0644", "'0644'"],
        ["a text by a tag", "3.10", "!!str 3.10"],
        ["a version of three numbers", "1.2.10", "1.2.10"],
        ["a date in quotes", "2024-01-01", '"2024-01-01"'],
        ["what Go would make of a date, in quotes", "2024-01-01 00:00:00 +0000 UTC", '"2024-01-01 00:00:00 +0000 UTC"'],
        ["words", "yes", "yes"],
    ])("%s is what it is", (_what, arrived, written) => {
        expect(read(text("a text"), arrived, written)).toBe(arrived);
    });

    it.each<[string, unknown, string | null, string]>([
        ["a last zero", 3.1, "3.10", changed("3.1", "3.10")],
        ["a fraction of zero", 1, "1.0", changed("1", "1.0")],
        // Pulumi writes 3.10 back as 3.1 before it starts the program, in a stack file without a salt for instance.
        ["a fraction", 3.1, "3.1", suspicious("3.1")],
        ["a fraction without a stack file", 3.1, null, suspicious("3.1")],
        ["an octal number", 420, "0644", changed("420", "0644")],
        ["an octal number of today", 420, "0o644", changed("420", "0o644")],
        ["a zero before", 8, "08", changed("8", "08")],
        ["a hexadecimal number", 31, "0x1F", changed("31", "0x1F")],
        ["a plus", 5, "+5", changed("5", "+5")],
        ["a negative zero", 0, "-0", changed("0", "-0")],
        ["an underscore", 1000, "1_000", changed("1000", "1_000")],
        ["an exponent", 1000, "1e3", changed("1000", "1e3")],
        [
            "a very long number",
            1.2345678901234568e22,
            "12345678901234567890123",
            changed("1.2345678901234568e+22", "12345678901234567890123"),
        ],
        // Pulumi writes 12345678901234567890 so, and 0.00000012.
        [
            "a number that Pulumi may have written",
            1.2345678901234567e19,
            "1.2345678901234567e+19",
            anew("1.2345678901234567e+19"),
        ],
        ["a small number that Pulumi may have written", 1.2e-7, "1.2e-07", anew("1.2e-07")],
        [
            "a number just too long",
            9007199254740992,
            "9007199254740993",
            changed("9007199254740992", "9007199254740993"),
        ],
        ["a long number without a stack file", 2 ** 60, null, rounded],
        ["a boolean in capitals", true, "True", changed("true", "True")],
        [
            "a date",
            "2024-01-01 00:00:00 +0000 UTC",
            "2024-01-01",
            changed("2024-01-01 00:00:00 +0000 UTC", "2024-01-01"),
        ],
        [
            "a date that Pulumi has written back",
            "2024-01-01 00:00:00 +0000 UTC",
            "2024-01-01 00:00:00 +0000 UTC",
            'YAML has made a point in time of it (2024-01-01 00:00:00 +0000 UTC); quote it: "2024-01-01"',
        ],
        [
            "a time without a stack file",
            "2024-01-01 10:30:00 +0200 +0200",
            null,
            'YAML has made a point in time of it (2024-01-01 10:30:00 +0200 +0200); quote it: "2024-01-01 10:30:00 +0200 +0200"',
        ],
        ["a setting's last zero", "0.3", "0.30", changed("0.3", "0.30")],
        ["a setting's octal number", "420", "0644", changed("420", "0644")],
    ])("%s is to be quoted", (_what, arrived, written, mistake) => {
        expect(read(text("a text"), arrived, written)).toBe(mistake);
    });

    it("a value behind an anchor is found", () => {
        writeFileSync(
            path.join(project, "Pulumi.test.yaml"),
            "config:\n  values:\n    a: &mode 0644\n    b: *mode\n    c: {<<: {d: 1}, e: 0644}\n",
        );
        const file = stackFile(project, "test", "demo");
        expect(file.sourceOf(["values", "b"])).toEqual({ text: "0644", isQuoted: false });
        expect(file.sourceOf(["values", "c", "e"])).toEqual({ text: "0644", isQuoted: false });
        expect(file.sourceOf(["values", "c", "x"])).toBeUndefined();
    });
});

describe("a value behind a merge", () => {
    const sourceIn = (map: string, key: string) => {
        const commons = "x-a: &a {V: 1.0, W: 0644}\nx-b: &b {V: 2.0, X: 3.0}\nx-c: &c {<<: *b, Y: 4.0}\n";
        writeFileSync(path.join(project, "Pulumi.test.yaml"), `${commons}config:\n  demo:values: ${map}\n`);
        return stackFile(project, "test", "demo").sourceOf(["values", key])?.text;
    };

    it.each<[string, string, string, string | undefined]>([
        ["of an alias", "{<<: *a, N: x}", "V", "1.0"],
        ["of a map", "{<<: {V: 08}}", "V", "08"],
        ["of a list, whose first goes first", "{<<: [*b, *a]}", "V", "2.0"],
        ["of a list, in which only the last has it", "{<<: [*b, *a]}", "W", "0644"],
        ["of a list with a map", "{<<: [*b, {W: 1_0}]}", "W", "1_0"],
        ["of what is merged itself", "{<<: *c}", "X", "3.0"],
        ["has no effect where the map has the key itself, before", "{V: 5.0, <<: *a}", "V", "5.0"],
        ["has no effect where the map has the key itself, after", "{<<: *a, V: 5.0}", "V", "5.0"],
        ["lacks what nobody has", "{<<: [*a, *b]}", "Z", undefined],
        ["is none where the key is quoted", '{"<<": {V: 1.0}}', "V", undefined],
    ])("%s", (_what, map, key, expected) => {
        expect(sourceIn(map, key)).toBe(expected);
    });
});

describe("where a number or a boolean is meant, it does not matter how it is written", () => {
    it.each<[string, v.GenericSchema, unknown, string | null, unknown]>([
        ["an octal number", wholeNumber(0, 1000), 420, "0644", 420],
        ["a number as Pulumi hands it over", wholeNumber(0, 1000), "420", "0644", 420],
        ["a whole number with a fraction", wholeNumber(0, 9), 1, "1.0", 1],
        ["a boolean in capitals", flag(), true, "True", true],
        ["a boolean as Pulumi hands it over", flag(), "false", "False", false],
        ["half a number", wholeNumber(0, 9), 0.5, "0.5", "must be a whole number from 0 to 9, not 0.5"],
        ["no number at all", wholeNumber(0, 9), "1e1", "1e1", 'must be a whole number from 0 to 9, not "1e1"'],
    ])("%s", (_what, schema, arrived, written, expected) => {
        expect(read(schema, arrived, written)).toEqual(expected);
    });
});

describe("a stack file", () => {
    it.each<[string, string, boolean]>([
        ["a text in place of an object", "  demo:values: '{}'", true],
        ["a block of text", "  demo:values: |\n    {}", true],
        ["a text, in JSON", '{"demo:values": "{}"}', true],
        ["an object", "  demo:values: {}", false],
        ["an object with texts", '  demo:values:\n    a: "{}"', false],
        ["nothing", "  demo:other: 'x'", false],
    ])("has %s", (_what, lines, expected) => {
        writeFileSync(path.join(project, "Pulumi.test.yaml"), `config:${lines.startsWith("{") ? " " : "\n"}${lines}\n`);
        expect(stackFile(project, "test", "demo").hasAsText("values")).toBe(expected);
    });

    it("that is no YAML is no reason to fail: Pulumi has read it already", () => {
        writeFileSync(path.join(project, "Pulumi.test.yaml"), "config: [\n");
        expect(stackFile(project, "test", "demo").sourceOf(["values"])).toBeUndefined();
    });
});
