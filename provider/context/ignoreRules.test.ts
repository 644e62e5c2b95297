import { IgnoreRules } from "./ignoreRules";

const parse = (content: string) => IgnoreRules.parse(Buffer.from(content), ".dockerignore");

/** Whether a path is left out: as a walk asks, folder by folder. */
function isIgnored(content: string, path: string): boolean {
    const rules = parse(content);
    const names = path.split("/");
    let result: ReturnType<IgnoreRules["match"]> = { ignored: false, matches: [] };
    for (let depth = 1; depth <= names.length; depth++) {
        result = rules.match(names.slice(0, depth).join("/"), result.matches);
    }
    return result.ignored;
}

test.each<[string, { ignored?: string[]; kept?: string[] }]>([
    ["", { kept: ["a", "#a", "a/b"] }],
    ["a", { ignored: ["a", "a/b", "a/b/c"], kept: ["b/a", "ab", "A"] }],
    ["/a", { ignored: ["a", "a/b"], kept: ["b/a"] }],
    ["a/", { ignored: ["a", "a/b"] }],
    ["./a/../b//c/.", { ignored: ["b/c", "b/c/d"], kept: ["a", "b"] }],
    ["../a", { kept: ["a", "b/a"] }],
    [".", { kept: ["a", ".a"] }],
    ["/", { kept: ["a"] }],
    ["  a\t", { ignored: ["a"], kept: ["  a"] }],
    ["# a\n #b", { kept: ["# a", "a"], ignored: ["#b"] }],
    ["\uFEFFa\nb", { ignored: ["a", "b"] }],
    ["a\r\nb\r\n", { ignored: ["a", "b"] }],
    ["*", { ignored: ["a", ".a", "a/b"] }],
    ["*.c", { ignored: ["a.c", ".c", "a.c/b"], kept: ["b/a.c", "a.cc", "a_c"] }],
    ["**/*.c", { ignored: ["a.c", "b/a.c", "b/c/a.c"] }],
    ["*/a", { ignored: ["b/a", "b/a/c"], kept: ["a", "b/c/a"] }],
    ["a?c", { ignored: ["abc", "aéc", "a😀c"], kept: ["ac", "a/c"] }],
    ["a/**", { ignored: ["a/b", "a/b/c"], kept: ["a", "ab"] }],
    ["**/a", { ignored: ["a", "b/a", "b/c/a/d"], kept: ["ba"] }],
    ["**a", { ignored: ["a", "ba", "b/ca"], kept: ["ab"] }],
    ["a/**/b", { ignored: ["a/b", "a/c/b", "a/c/d/b"], kept: ["a/cb"] }],
    ["**", { ignored: ["a", "a/b"] }],
    ["[a-c]x", { ignored: ["ax", "cx"], kept: ["dx", "[a-c]x"] }],
    ["[^a-c]x", { ignored: ["dx"], kept: ["ax"] }],
    ["\\[a\\]", { ignored: ["[a]"], kept: ["a"] }],
    ["a.b$(c)+{d}|^", { ignored: ["a.b$(c)+{d}|^"], kept: ["aXb$(c)+{d}|^"] }],
    ["\\!a", { ignored: ["!a"], kept: ["a"] }],
    ["/!a", { kept: ["!a", "a"] }],
    ["*\n!a", { ignored: ["b"], kept: ["a", "a/b"] }],
    ["! a\n*", { ignored: ["a"] }],
    ["*\n! /a/", { kept: ["a", "a/b"] }],
    ["a\n!a/b", { ignored: ["a", "a/c"], kept: ["a/b", "a/b/c"] }],
    ["a\n!a/b\na/b/c", { ignored: ["a/b/c"], kept: ["a/b/d"] }],
    ["**\n!**/*.c", { ignored: ["a"], kept: ["a.c", "a/b.c"] }],
])("%j", (content, { ignored = [], kept = [] }) => {
    expect(ignored.filter((path) => !isIgnored(content, path))).toEqual([]);
    expect(kept.filter((path) => isIgnored(content, path))).toEqual([]);
});

test.each([
    ["!", "a ! needs a pattern behind it"],
    ["!/", "a ! needs a pattern behind it"],
    ["[a", "its [...] is not complete"],
    ["[a-]", "its [...] is not complete"],
    ["a\\", "it ends with a \\ that escapes nothing"],
    ["a\\d\\q*", "\\q"],
    ["[[:alpha:]]", "[:alpha:]"],
    ["x".repeat(70_000), "it is longer than 65535 bytes"],
])("what BuildKit refuses is told with its line: %.20j", (pattern, reason) => {
    expect(() => parse(`a\n${pattern}`)).toThrow(".dockerignore:2: pattern ");
    expect(() => parse(`a\n${pattern}`)).toThrow(reason);
});

test.each([
    ["a", "a", false],
    ["a\n!a/b", "a", true],
    ["a\n!a/b/*", "a/b", true],
    ["a\n!a/b/*", "a/c", false],
    ["a\n!b", "a", false],
    ["a\n!**/b", "a/c", true],
])("%j: whether ignored folder %s is looked into: %s", (content, folder, expected) => {
    expect(parse(content).mayKeepInside(folder)).toBe(expected);
});

test("a file that the two readings of the rules disagree on arrives empty", () => {
    const rules = "a\n!a/c\n?";
    expect(isIgnored(rules, "a/c")).toBe(false);
    expect(parse(rules).arrivesEmpty("a/c")).toBe(true);
    expect(parse("a\n!a/c").arrivesEmpty("a/c")).toBe(false);
});
