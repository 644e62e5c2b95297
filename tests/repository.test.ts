import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { architectures, knownPlatforms, machineOf } from "../components/architecture";
import { registryKinds } from "../components/registry/kinds";
import { runnerKinds } from "../components/runner/kinds";
import { checkout } from "./helpers/checkout";

const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: checkout });
const data = /go\.(mod|sum)$|lock|\.(svg|json|tsv)$/;
const files = `${listed}`
    .split("\n")
    .filter((file) => file && !data.test(file) && existsSync(path.join(checkout, file)));
const textOf = (file: string) => readFileSync(path.join(checkout, file), "utf8");

/** Places of a text, as in `file:7: text`. */
function found(
    pattern: RegExp,
    inFiles: readonly string[],
    isWrong: (text: string, file: string) => boolean = () => true,
) {
    return inFiles.flatMap((file) =>
        textOf(file)
            .split("\n")
            .flatMap((line, at) =>
                [...line.matchAll(pattern)].map(([text]) => ({ text, place: `${file}:${at + 1}: ${text}` })),
            )
            .filter(({ text }) => isWrong(text, file))
            .map(({ place }) => place),
    );
}

/** What is delivered, without its tests and benches. */
const product = files.filter(
    (file) =>
        /^(components|configuration|provider|tools)\/.*\.(ts|js|sh)$|^index\.ts$/.test(file) &&
        !/(test|Bench|StandIns)\.ts$/.test(file),
);

it("has no file of more than 300 lines, but data", () => {
    expect(files.filter((file) => textOf(file).split("\n").length > 301)).toEqual([]);
});

it("refers to files that are there", () => {
    const written =
        /(?<![\w/.@$}*-])(?:docs|components|provider|configuration|tests|tools|bench|packages|examples)\/[\w./-]*\w\.\w+\b/g;
    const made = /^(bench|tests)\/results\/|^tools\/bin\//;
    const isMissing = (text: string, file: string) =>
        !made.test(text) && ![".", path.dirname(file)].some((folder) => existsSync(path.join(checkout, folder, text)));
    expect(found(written, files, isMissing)).toEqual([]);
});

it("has links in its pages that lead somewhere", () => {
    const anchorsOf = (page: string) =>
        [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
            heading
                .toLowerCase()
                .replace(/[^\w\- ]/g, "")
                .replaceAll(" ", "-"),
        );
    const isDead = (link: string, page: string) => {
        const [file = "", anchor] = link.slice(2, -1).split("#");
        const target = file ? path.join(path.dirname(page), file) : page;
        return (
            !existsSync(path.join(checkout, target)) || (anchor !== undefined && !anchorsOf(target).includes(anchor))
        );
    };
    const pages = files.filter((file) => file.endsWith(".md"));
    expect(found(/\]\((?!https?:)[^)\s]+\)/g, pages, isDead)).toEqual([]);
});

const except = (others: RegExp) => product.filter((file) => !others.test(file));

it("knows kinds of runners and registries by their tables alone", () => {
    const ofKinds =
        /^components\/(account|ci|localMachine|(runner|registry)\/\w+)\/|\/(kinds|aws|kubernetes|architecture)\.ts$|^provider\/(aws\/|main)|^tools\/(?!up|down|stack)/;
    const names = Object.keys({ ...runnerKinds, ...registryKinds }).join("|");
    expect(found(new RegExp(`["'](${names})["']|\\b(EC2|ECR|Kubernetes)\\b`, "gi"), except(ofKinds))).toEqual([]);
});

it("knows platforms by their table alone, but for native compilers, which have another", () => {
    const ofCompilers = /^components\/runner\/(emulation|cluster)\/|^tools\/(twins|setup)|\/architecture\.ts$/;
    const names = knownPlatforms.flatMap((platform) => [platform, architectures[platform].suffix, machineOf(platform)]);
    // Comments show examples.
    const inCode = new RegExp(`^(?! *(//|/?\\*|#)).*["' =](${names.join("|")})["' ;)]`, "g");
    expect(found(inCode, except(ofCompilers))).toEqual([]);
});
