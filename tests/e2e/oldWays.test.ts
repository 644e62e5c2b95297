import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { checkedSettings } from "../../configuration/readSettings";
import { checkout, tools } from "../helpers/checkout";
import { describeHere } from "../helpers/needs";
import { examplesOf } from "../helpers/page";
import { type Arch, archs, fromStep, writes } from "../helpers/stepImage";
import { TestProgram } from "../helpers/testProgram";
import type { Result } from "./commands";
import { Project } from "./project";

jest.setTimeout(300_000);

const page = "docs/old-ways.md";
const examples = examplesOf(page);
/** The examples of a language below a heading, one after another. */
const textOf = (heading: string, language: string) =>
    examples
        .filter((example) => example.heading === heading && example.language === language)
        .map(({ text }) => text)
        .join("\n");

/** Every heading with commands; a heading that no test takes from here is found in the end. */
const untested = new Set(examples.filter(({ language }) => language === "sh").map(({ heading }) => heading));
untested.delete("");

const compose = new TestProgram("docker-compose", "github.com/docker/compose/v5", path.join(__dirname, "compose"));

describeHere(`the examples of ${page}, as they stand`, () => {
    let project: Project;
    let repository: string;

    beforeAll(async () => {
        project = await Project.create("dev");
        for (const folder of ["tools", "examples"]) {
            symlinkSync(path.join(checkout, folder), path.join(project.folder, folder));
        }
        project.context("app", [...fromStep, writes("of app")]);
        project.context("libraries", [...fromStep, "COPY version /version", anew("/library")], { version: "1" });
        const service = ["FROM libraries", anew("/early"), "COPY late /late", anew("/result")];
        project.context("service", service, { late: "1" });
        project.configure({ images: parse(textOf("", "yaml")).config["native-buildx:images"] });
        await project.init();
        await project.succeed(project.up());
        const output = await project.succeed(project.pulumi("stack", "output", "repositoryUrl"));
        repository = output.output.trim();
    });

    afterAll(() => project?.end());

    /** A step whose file is another each time the step runs. */
    function anew(file: string): string {
        return `RUN ["/step", "fill", "${file}", "1"]`;
    }

    /** The commands below a heading, after those of the page's beginning. */
    async function run(heading: string, between = ""): Promise<Result> {
        untested.delete(heading);
        const script = [textOf("", "sh"), between, textOf(heading, "sh")].join("\n");
        return project.succeed(project.run("sh", ["-euc", script]));
    }

    const crane = async (...words: string[]) => (await project.succeed(project.run("crane", words))).output.trim();
    const digest = (tag: string) => crane("digest", `${repository}/${tag}`);

    /** The platforms of what a tag leads to; attestations, which by-hand builds have by default, apart. */
    async function platformsOf(tag: string): Promise<string[]> {
        const manifest = JSON.parse(await crane("manifest", `${repository}/${tag}`)) as {
            manifests: { platform: { os: string; architecture: string } }[];
        };
        const all = manifest.manifests.map(({ platform }) => `${platform.os}/${platform.architecture}`);
        return all.filter((platform) => platform !== "unknown/unknown").sort();
    }
    const both = ["linux/amd64", "linux/arm64"];

    async function fileOf(tag: string, arch: Arch, file: string): Promise<string> {
        const script = `crane export --platform "linux/$2" "$0" - | tar --extract --to-stdout --file - "$1"`;
        return (await project.succeed(project.run("sh", ["-c", script, `${repository}/${tag}`, file, arch]))).output;
    }

    it("Tags with a suffix", async () => {
        const { output } = await run("Tags with a suffix");
        expect(output).toMatch(
            /Name: +\S+\/app:1\.4\n[\s\S]*Platform: +linux\/amd64\n[\s\S]*Platform: +linux\/arm64\n/,
        );
        const config = JSON.parse(await crane("config", `${repository}/app:1.4-arm64`));
        expect(config.architecture).toBe("arm64");
        expect(await fileOf("app:by-hand-arm64", "arm64", "result")).toBe("of app");
    });

    it("A manifest list by buildx", async () => {
        await run("A manifest list by buildx");
        expect(await platformsOf("app:by-hand")).toEqual(both);
        for (const arch of archs) {
            expect(await fileOf("app:by-hand", arch, "result")).toBe("of app");
        }
    });

    it("A merge of tags by hand", async () => {
        // No runner is needed for it: none is there.
        const commands = textOf("", "sh").replace(/^pulumi stack output connect.*$/m, "");
        project.stopRunners(...archs);
        untested.delete("A merge of tags by hand");
        await project.succeed(project.run("sh", ["-euc", `${commands}\n${textOf("A merge of tags by hand", "sh")}`]));
        expect(await platformsOf("app:merged")).toEqual(both);
        expect(await Promise.all(archs.map((arch) => project.state(arch)))).toEqual(["stopped", "stopped"]);
    });

    it("QEMU where there is no native runner", async () => {
        const { output } = await run("QEMU where there is no native runner");
        expect(output).not.toContain("CACHED");
        const config = parse(textOf("QEMU where there is no native runner", "yaml")).config as object;
        const settings = Object.entries(config).map(([name, value]) => [name.replace("native-buildx:", ""), value]);
        expect(checkedSettings(Object.fromEntries(settings), project.folder).mistakes).toEqual([]);
    });

    it("Pushed straight to the registry", async () => {
        await run("Pushed straight to the registry");
        const inside = async (archive: string, file: string) =>
            JSON.parse((await project.succeed(project.run("tar", ["-xOf", archive, file]))).output);
        expect(await inside("app.tar", "manifest.json")).toMatchObject([{ RepoTags: ["app:local"] }]);
        const { manifests } = await inside("app-arm64.tar", "index.json");
        const blob = async ({ digest: of }: { digest: string }) =>
            inside("app-arm64.tar", `blobs/${of.replace(":", "/")}`);
        const { config } = await blob(manifests[0]);
        expect(await blob(config)).toMatchObject({ architecture: "arm64" });
    });

    it("Jobs on separate machines", async () => {
        await run("Jobs on separate machines");
        expect(await platformsOf("app:of-two-jobs")).toEqual(both);
        for (const arch of archs) {
            expect(await digest(`app:cache-of-ci-${arch}`)).toMatch(/^sha256:/);
            expect(await fileOf("app:of-two-jobs", arch, "result")).toBe("of app");
        }
    });

    it("buildx inside a container", async () => {
        const bin = path.join(project.folder, "bin");
        mkdirSync(bin);
        cpSync(path.join(checkout, "tests/helpers/dockerRun.sh"), path.join(bin, "docker"));
        chmodSync(path.join(bin, "docker"), 0o755);
        const plays = `export TOOLS="$PWD/tools" NEXT_PATH="$PATH" PATH="${bin}:$PATH"`;
        await run("buildx inside a container", plays);
        expect(await platformsOf("app:from-a-container")).toEqual(both);
        expect(existsSync(path.join(bin, "docker"))).toBe(true);
    });

    it("Chained base images", async () => {
        await run("Chained base images");
        const images = ["libraries", "service"] as const;
        const files = { libraries: "library", service: "early" };
        const now = async () => {
            const { images: refs } = await project.outputs();
            const steps = images.map((image) => project.digestOfFile(image, "arm64", files[image]));
            return { libraries: refs.libraries?.ref, service: refs.service?.ref, steps: await Promise.all(steps) };
        };
        const before = await now();
        // By hand, on what is in the registry: the same library, in an image of its own.
        const script = `crane export --platform linux/arm64 "$0" - | tar --extract --to-stdout --file - library | sha256sum`;
        const byHand = await project.succeed(project.run("sh", ["-c", script, `${repository}/service:by-hand`]));
        expect(byHand.output.trim()).toBe(before.steps[0]);

        project.stopRunners(...archs);
        writeFileSync(path.join(project.folder, "service/late"), "2");
        await project.succeed(project.up());
        const late = await now();
        expect(late.libraries).toBe(before.libraries);
        expect(late.service).not.toBe(before.service);
        expect(late.steps).toEqual(before.steps);

        writeFileSync(path.join(project.folder, "libraries/version"), "2");
        await project.succeed(project.up());
        const whole = await now();
        expect(whole.libraries).not.toBe(late.libraries);
        expect(whole.service).not.toBe(late.service);
        expect(whole.steps[1]).not.toBe(late.steps[1]);
    });

    it("docker buildx bake", async () => {
        await run("docker buildx bake");
        for (const tag of ["app:by-bake", "libraries:by-bake", "service:by-bake"]) {
            expect(await platformsOf(tag)).toEqual(both);
        }
        expect(await fileOf("service:by-bake", "arm64", "version")).toBe("2");
    });

    it("docker compose build", async () => {
        await run("docker compose build");
        for (const tag of ["app:by-compose", "libraries:by-compose", "service:by-compose"]) {
            expect(await platformsOf(tag)).toEqual(both);
        }
        expect(await fileOf("service:by-compose", "amd64", "version")).toBe("2");
    });

    (compose.missing() ? it.skip : it)("docker compose build, by Compose itself", async () => {
        // As docker calls its plugins, of which Compose wants buildx.
        const plugins = path.join(project.machine.user, ".docker/cli-plugins");
        mkdirSync(plugins, { recursive: true });
        rmSync(path.join(plugins, "docker-buildx"), { force: true });
        symlinkSync(path.join(tools, "buildx"), path.join(plugins, "docker-buildx"));
        const bin = path.join(project.folder, "compose");
        mkdirSync(bin);
        const docker = `[ "$1" != compose ] || { shift; exec ${compose.file} "$@"; }\nPATH=\${PATH#*:} exec docker "$@"\n`;
        writeFileSync(path.join(bin, "docker"), `#!/bin/sh\n${docker}`, { mode: 0o755 });
        writeFileSync(path.join(project.folder, "service/late"), "of compose");
        const plays = `PATH=${bin}:$PATH`;
        const script = [textOf("", "sh"), plays, textOf("docker compose build", "shell")].join("\n");
        await project.succeed(project.run("sh", ["-euc", script]));
        for (const tag of ["app:by-compose", "libraries:by-compose", "service:by-compose"]) {
            expect(await platformsOf(tag)).toEqual(both);
        }
        expect(await fileOf("service:by-compose", "arm64", "late")).toBe("of compose");
    });

    it("are all there are", () => {
        expect([...untested]).toEqual([]);
    });
});
