import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";

/** The file that the engine starts, with other sources. */
const entry = "pulumi-resource-native-buildx";

describe("the provider's start", () => {
    let folder: string;
    beforeEach(() => {
        folder = temporaryFolder();
        for (const file of [entry, "leanSdk.js", "typescript.js"]) {
            fs.copyFileSync(path.join(__dirname, file), path.join(folder, file));
        }
        fs.mkdirSync(path.join(folder, "node_modules/esbuild"), { recursive: true });
        // Not the package's own folder: what is kept goes beside it.
        const real = path.dirname(require.resolve("esbuild/package.json"));
        fs.writeFileSync(
            path.join(folder, "node_modules/esbuild/index.js"),
            `console.log("translating"); module.exports = require(${JSON.stringify(real)});`,
        );
        const description = {
            ...JSON.parse(fs.readFileSync(path.join(real, "package.json"), "utf8")),
            main: "index.js",
        };
        fs.writeFileSync(path.join(folder, "node_modules/esbuild/package.json"), JSON.stringify(description));
    });
    afterEach(() => fs.rmSync(folder, { recursive: true }));

    function said(source: string, variables: NodeJS.ProcessEnv = {}): string[] {
        fs.writeFileSync(path.join(folder, "main.ts"), source);
        const env = { ...process.env, ...variables };
        const output = execFileSync(process.execPath, [path.join(folder, entry)], { encoding: "utf8", env });
        return output.trim().split("\n");
    }

    it("translates a file once, and again when it was edited", () => {
        const source = 'const text: string = "first"; console.log(text);';
        expect(said(source)).toEqual(["translating", "first"]);
        expect(said(source)).toEqual(["first"]);
        expect(said(source.replace("first", "edited"))).toEqual(["translating", "edited"]);
    });

    it("keeps the settings, which have secrets, from what it starts", () => {
        const source = 'console.log(require("node:child_process").execSync("env", { encoding: "utf8" }));';
        const started = said(source, { PULUMI_CONFIG: "S3KRET", PULUMI_PROJECT: "p" });
        expect(started).toContain("PULUMI_PROJECT=p");
        expect(started.join()).not.toContain("S3KRET");
    });

    it("does without a place to keep it", () => {
        fs.writeFileSync(path.join(folder, "node_modules/.cache"), "a file");
        expect(said('console.log("works" as string);')).toEqual(["translating", "works"]);
        expect(said('console.log("works" as string);')).toEqual(["translating", "works"]);
    });
});
