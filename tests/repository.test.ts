import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { checkout } from "./helpers/checkout";

const isThere = (file: string) => existsSync(path.join(checkout, file));
const textOf = (file: string) => readFileSync(path.join(checkout, file), "utf8");
const all = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: checkout });
/** All but data. */
const files = `${all}`
    .split("\n")
    .filter((file) => !/^$|go\.(mod|sum)$|lock|\.(svg|json|tsv)$/.test(file) && isThere(file));

/** What of a pattern in files is wrong, as in `file: text`. */
function wrong(pattern: RegExp, isIn: RegExp, isWrong: (text: string, file: string) => boolean): string[] {
    return files
        .filter((file) => isIn.test(file))
        .flatMap((file) =>
            [...textOf(file).matchAll(pattern)].flatMap(([text]) => (isWrong(text, file) ? `${file}: ${text}` : [])),
        );
}

test("no file has more than 300 lines", () => {
    expect(files.filter((file) => textOf(file).split("\n").length > 301)).toEqual([]);
});

test("files that are named are there", () => {
    const folders = "bench|components|configuration|docs|examples|packages|provider|tests|tools";
    const named = new RegExp(`(?<![\\w/.@$}*-])(${folders})/[\\w./-]*\\w\\.\\w+\\b`, "g");
    const isMade = /^(bench|tests)\/results\/|^tools\/bin\//;
    const isMissing = (name: string, file: string) =>
        !isMade.test(name) && !isThere(name) && !isThere(path.join(path.dirname(file), name));
    expect(wrong(named, /./, isMissing)).toEqual([]);
});

test("links of pages lead somewhere", () => {
    const headings = (page: string) =>
        [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, text = ""]) =>
            text
                .toLowerCase()
                .replace(/[^\w\- ]/g, "")
                .replaceAll(" ", "-"),
        );
    const isDead = (link: string, page: string) => {
        const [file = "", heading] = link.slice(2, -1).split("#");
        const target = file ? path.join(path.dirname(page), file) : page;
        return !isThere(target) || (heading !== undefined && !headings(target).includes(heading));
    };
    expect(wrong(/\]\((?!https?:)[^)\s]+\)/g, /\.md$/, isDead)).toEqual([]);
});
