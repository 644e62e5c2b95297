import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import * as path from "node:path";
import { checkout } from "../helpers/checkout";
import { freePortsInRow } from "../helpers/freePorts";
import { describeHere } from "../helpers/needs";
import { fromStep, writes } from "../helpers/stepImage";
import { temporaryFolder } from "../helpers/temporaryFolder";
import { Project, unchanged } from "./project";

jest.setTimeout(300_000);

interface Tarball {
    file: string;
    /** Bytes. */
    size: number;
    /** Of the files that it has. */
    paths: string[];
    dependencies: string[];
}

/** `npm pack` of the checkout, into a folder. */
function pack(folder: string): Tarball {
    const words = ["pack", "--json", "--silent", "--no-update-notifier", "--pack-destination", folder];
    const [made] = JSON.parse(execFileSync("npm", words, { cwd: checkout, encoding: "utf8" }));
    const { dependencies } = JSON.parse(readFileSync(path.join(checkout, "package.json"), "utf8"));
    return {
        file: path.join(folder, made.filename),
        size: made.size,
        paths: made.files.map(({ path: file }: { path: string }) => file),
        dependencies: Object.keys(dependencies),
    };
}

/** A block of code of docs/configuration.md, section "In a Pulumi program of your own". */
function documented(language: string): string {
    const page = readFileSync(path.join(checkout, "docs/configuration.md"), "utf8");
    const section = page.slice(page.indexOf("## In a Pulumi program of your own"));
    const [, text = ""] = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(section) ?? [];
    return text;
}

/** A program outside the checkout, as the page says, with the tarball installed and nothing else of the checkout. */
class OutsideProject extends Project {
    protected override readonly name = "components";

    static async install(tarball: Tarball): Promise<OutsideProject> {
        const project = new OutsideProject("dev", {}, {});
        const links = ["index.ts", "components", "configuration", "provider", "node_modules", "package.json"];
        for (const link of links) {
            rmSync(path.join(project.folder, link));
        }
        const port = await freePortsInRow(4);
        writeFileSync(path.join(project.folder, "Pulumi.yaml"), documented("yaml"));
        writeFileSync(path.join(project.folder, "index.ts"), documented("typescript").replace("8443", String(port)));
        // Nothing comes from a registry here: what npm would fetch are links to the packages of the checkout. What the
        // package does not declare is out of its reach all the same.
        const packages = ["@pulumi/pulumi", "tsx", ...tarball.dependencies];
        const linked = packages.map((name) => [name, `file:${path.join(checkout, "node_modules", name)}`]);
        const description = { private: true, dependencies: Object.fromEntries(linked) };
        writeFileSync(path.join(project.folder, "package.json"), JSON.stringify(description));
        const words = ["install", "--offline", "--no-update-notifier", "--no-audit", "--no-fund", tarball.file];
        await project.succeed(project.run("npm", words));
        return project;
    }

    /** Without what tools/env.sh sets: there is none outside the checkout. */
    override get environment(): NodeJS.ProcessEnv {
        const { SSL_CERT_DIR: _, ...others } = super.environment;
        return others;
    }

    /** For programs that look into the registry by hand. */
    async crane(...words: string[]): Promise<string> {
        const { SSL_CERT_DIR } = super.environment;
        return (await this.succeed(this.run("crane", words, { env: { SSL_CERT_DIR } }))).output;
    }

    /** Runs a text as a file of the program. */
    node(file: string, text: string) {
        writeFileSync(path.join(this.folder, file), text);
        return this.run("node", [file]);
    }

    /** Type-checks a file as strictly as can be, by the rules of `moduleResolution`. @param more options of tsc */
    check(file: string, module: string, moduleResolution: string, ...more: string[]) {
        const types = path.join(checkout, "node_modules/@types");
        const words = ["--noEmit", "--strict", "--target", "es2022"];
        words.push("--module", module, "--moduleResolution", moduleResolution, "--typeRoots", types, "--types", "node");
        return this.run(path.join(checkout, "node_modules/.bin/tsc"), [...words, ...more, file]);
    }
}

describeHere("the npm package", () => {
    const folder = temporaryFolder();
    let tarball: Tarball;
    let project: OutsideProject;

    beforeAll(async () => {
        tarball = pack(folder);
        project = await OutsideProject.install(tarball);
        await project.init();
    });

    afterAll(async () => {
        await project?.end();
        rmSync(folder, { recursive: true });
    });

    it("has what is read at run time, and neither tests nor sources", () => {
        const listed = execFileSync("git", ["ls-files", "components", "provider"], { cwd: checkout, encoding: "utf8" });
        const read = listed.split("\n").filter((file) => /\.(sh|service)$/.test(file));
        expect(read.length).toBeGreaterThan(20);
        expect(tarball.paths).toEqual(expect.arrayContaining(read.map((file) => `dist/${file}`)));
        expect(tarball.paths.filter((file) => /\.test\.|Bench|standIn|simulated|(?<!\.d)\.ts$/i.test(file))).toEqual(
            [],
        );
        expect(tarball.size).toBeLessThan(500_000);
        const provider = path.join(project.folder, "node_modules/native-buildx/provider/pulumi-resource-native-buildx");
        expect(statSync(provider).mode & 0o111).toBe(0o111);
    });

    it("declares each package that it loads", () => {
        const installed = path.join(project.folder, "node_modules/native-buildx");
        const loaded = tarball.paths
            .filter((file) => file.endsWith(".js"))
            .flatMap((file) => [
                ...readFileSync(path.join(installed, file), "utf8").matchAll(/require\("([^."][^"]*)"\)/g),
            ])
            .map(([, name = ""]) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? "")
            .filter((name) => !isBuiltin(name));
        const peers = ["@pulumi/aws", "@pulumi/kubernetes", "@pulumi/pulumi"];
        expect([...new Set(loaded)].sort()).toEqual([...tarball.dependencies, ...peers].sort());
    });

    it("is imported by JavaScript of both kinds, and wants the packages of clouds where they are used only", async () => {
        const names = "MultiPlatformImage.name, LocalRunners.name";
        const all = "{ MultiPlatformImage, LocalRunners }";
        const required = await project.node("a.cjs", `const ${all} = require("native-buildx"); console.log(${names})`);
        expect(required).toEqual({ code: 0, output: "MultiPlatformImage LocalRunners\n" });
        const imported = await project.node("a.mjs", `import ${all} from "native-buildx"; console.log(${names})`);
        expect(imported).toEqual(required);
        for (const cloud of ["aws", "kubernetes"]) {
            const { code, output } = await project.node("a.cjs", `require("native-buildx/${cloud}")`);
            expect(code).not.toBe(0);
            expect(output).toContain(`Cannot find module '@pulumi/${cloud}`);
        }
    });

    it.each([
        ["commonjs", "node10"],
        ["nodenext", "nodenext"],
        ["esnext", "bundler"],
    ])("has types, for modules of kind %s", async (module, resolution) => {
        // And all types that it needs.
        expect(await project.check("index.ts", module, resolution)).toEqual({ code: 0, output: "" });
        writeFileSync(
            path.join(project.folder, "wrong.ts"),
            [
                'import { LocalRunners, type MultiPlatformImage } from "native-buildx";',
                'import type { Ec2RunnersArgs } from "native-buildx/aws";',
                'import type { KubernetesRunnersArgs } from "native-buildx/kubernetes";',
                'new LocalRunners("r", { stackFolder: "s", idleMinutes: "10" });',
                "export type Clouds = Ec2RunnersArgs | KubernetesRunnersArgs;",
                "export const seconds = (image: MultiPlatformImage) =>",
                '    image.receipts["linux/arm64"]?.apply(({ total }) => total.trim());',
            ].join("\n"),
        );
        // Those of the clouds' packages are most of the time.
        const { code, output } = await project.check("wrong.ts", module, resolution, "--skipLibCheck");
        expect(code).not.toBe(0);
        expect(output).toMatch(/^wrong\.ts\(4,.*Type 'string' is not assignable to type 'number/m);
        expect(output).toMatch(/^wrong\.ts\(7,.*Property 'trim' does not exist on type 'number'/m);
        expect(output).not.toMatch(/native-buildx(\/aws|\/kubernetes)?'/);
    });

    it("says what is wrong with an image, all of it, and leaves it undeclared", async () => {
        const { code, output } = await project.up();
        expect(code).not.toBe(0);
        expect(output).toMatch(
            /Image app has a mistake:\n +- context: folder app does not exist; create it or correct the path/,
        );
        expect(output).not.toMatch(/native-buildx:index:(MultiPlatform|Platform)Image/);
    });

    it("stands up runners and a registry, builds the image and pushes it under its tags", async () => {
        expect(documented("typescript").split("\n").length).toBeLessThan(30);
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the Dockerfile's own
        project.context("app", [...fromStep, "ARG VERSION", "LABEL version=${VERSION}", writes("of the example")]);
        await project.succeed(project.up());

        const output = async (name: string) =>
            (await project.succeed(project.pulumi("stack", "output", name))).output.trim();
        const ref = await output("ref");
        const { manifests } = JSON.parse(await project.crane("manifest", ref));
        expect(manifests.map(({ platform }: { platform: { architecture: string } }) => platform.architecture)).toEqual([
            "amd64",
            "arm64",
        ]);
        const [tagged = "", digest] = ref.split("@");
        for (const tag of ["1.0", "latest"]) {
            expect((await project.crane("digest", tagged.replace(/:1\.0$/, `:${tag}`))).trim()).toBe(digest);
        }
        const { config } = JSON.parse(await project.crane("config", "--platform", "linux/arm64", ref));
        expect(config.Labels).toEqual({ version: "1.0" });
        expect(await output("connect")).toMatch(/^#!\/bin\/sh/);
    });

    it("leaves everything as it is in an up that changes nothing", async () => {
        const { output } = await project.succeed(project.up());
        expect(output).toMatch(unchanged);
    });

    it("leaves nothing on the machine after a destroy", async () => {
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));
        expect(existsSync(path.dirname(project.runnerFolder("registry")))).toBe(false);
        expect(project.pid("amd64")).toBe(0);
    });
});
