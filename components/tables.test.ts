import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { architectures } from "./architecture";
import { registryKinds } from "./registry/kinds";
import { runnerKinds } from "./runner/kinds";

const checkout = path.resolve(__dirname, "..");
const isProduct = /^(index\.ts|(components|configuration|provider|tools)\/.*\.(ts|sh|service))$/;
/** What is about the compilers of a machine, whose names and options are its own. */
const aboutCompilers = /^(components\/runner\/(emulation|cluster)|tools\/twins)\b/;
const isForTests = /\.test\.ts$|Bench\.ts$|ec2Scripts\.ts$/;

/** The lines of the product, without comments, that say something, each with the file and itself. */
function linesThatSay(what: RegExp, isMeant: (file: string) => boolean): string[] {
    const all = execFileSync("git", ["ls-files"], { cwd: checkout, encoding: "utf8" }).split("\n");
    const files = all.filter((file) => isProduct.test(file) && !isForTests.test(file) && isMeant(file));
    expect(files.length).toBeGreaterThan(10);
    return files.flatMap((file) =>
        readFileSync(path.join(checkout, file), "utf8")
            .split("\n")
            .filter((line) => !/^\s*(\/\/|\/?\*|#)/.test(line) && what.test(line))
            .map((line) => `${file}: ${line.trim()}`),
    );
}

test("no platform is named outside the table of architectures", () => {
    const names = Object.values(architectures).flatMap(({ suffix, aliases }) => [suffix, ...aliases]);
    // Of some the name is a part of other words.
    const words = new RegExp(`(?<![a-zA-Z])(${names.join("|")})(?![a-z0-9])`);
    const found = linesThatSay(words, (file) => !aboutCompilers.test(file) && file !== "components/architecture.ts");
    // What a test of compilers needs is a package with such a name, or is made for such a machine.
    expect(found.filter((line) => !/^tools\/setup\.sh: .*(-linux-gnu|uname -m|makeCluster\.sh)/.test(line))).toEqual(
        [],
    );
});

test("the core names no kind of runners or registry, by its word or its folder", () => {
    const kinds = (table: object) => Object.keys(table).join("|");
    const words = `["'\`](${kinds(runnerKinds)}|${kinds(registryKinds)})["'\`]`;
    const folders = `runner/(${kinds(runnerKinds)})/|registry/(${kinds(registryKinds)})/`;
    const functions = `\\b(wake|keys|prepare_registry)_(${kinds(runnerKinds)}|${kinds(registryKinds)})\\b`;
    const found = linesThatSay(new RegExp([words, folders, functions].join("|")), (file) =>
        /^(index|configuration|provider|components\/(builder|image|ci|settings)|tools)\b/.test(file),
    );
    // Tools of one kind.
    expect(found.filter((line) => !/^tools\/(cost|comparison)Table\.ts: /.test(line))).toEqual([]);
});
