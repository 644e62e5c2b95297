import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { checkout } from "../helpers/checkout";
import { freePortsInRow } from "../helpers/freePorts";
import { describeHere } from "../helpers/needs";
import { fromStep, writes } from "../helpers/stepImage";
import { Project } from "./project";

jest.setTimeout(300_000);

/** The example copied into a project of its own, with this repository below it as docs/configuration.md says. */
class ExampleProject extends Project {
    protected override readonly name = "components";

    static async copied(): Promise<ExampleProject> {
        const project = new ExampleProject("dev", {}, {});
        for (const link of ["index.ts", "components", "configuration", "provider"]) {
            rmSync(path.join(project.folder, link));
        }
        symlinkSync(checkout, path.join(project.folder, "native-buildx"));
        const port = await freePortsInRow(4);
        for (const file of ["Pulumi.yaml", "index.ts"]) {
            const text = readFileSync(path.join(checkout, "examples/components", file), "utf8")
                .replaceAll("../../", "./native-buildx/")
                .replace("8443", String(port))
                .replace("8444", String(port + 1));
            writeFileSync(path.join(project.folder, file), text);
        }
        return project;
    }
}

describeHere("the components in a program of your own", () => {
    let project: ExampleProject;

    beforeAll(async () => {
        project = await ExampleProject.copied();
        await project.init();
    });

    afterAll(() => project?.end());

    it("say what is wrong with an image, all of it, and leave it undeclared", async () => {
        const { code, output } = await project.up();
        expect(code).not.toBe(0);
        expect(output).toMatch(
            /Image app has a mistake:\n +- context: folder app does not exist; create it or correct the path/,
        );
        expect(output).not.toMatch(/native-buildx:index:(MultiPlatform|Platform)Image/);
    });

    it("stand up runners and a registry, build the image and push it under its tags", async () => {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the Dockerfile's own
        project.context("app", [...fromStep, "ARG VERSION", "LABEL version=${VERSION}", writes("of the example")]);
        await project.succeed(project.up());

        const output = async (name: string) =>
            (await project.succeed(project.pulumi("stack", "output", name))).output.trim();
        const crane = async (...words: string[]) => (await project.succeed(project.run("crane", words))).output;
        const ref = await output("ref");
        const { manifests } = JSON.parse(await crane("manifest", ref));
        expect(manifests.map(({ platform }: { platform: { architecture: string } }) => platform.architecture)).toEqual([
            "amd64",
            "arm64",
        ]);
        const [tagged = "", digest] = ref.split("@");
        for (const tag of ["1.0", "latest"]) {
            expect((await crane("digest", tagged.replace(/:1\.0$/, `:${tag}`))).trim()).toBe(digest);
        }
        const { config } = JSON.parse(await crane("config", "--platform", "linux/arm64", ref));
        expect(config.Labels).toEqual({ version: "1.0" });
        expect(await output("connect")).toMatch(/^#!\/bin\/sh/);
    });

    it("leave everything as it is in an up that changes nothing", async () => {
        const { output } = await project.succeed(project.up());
        expect(output).toMatch(/^Resources:\n +\d+ unchanged\n/m);
    });

    it("leave nothing on the machine after a destroy", async () => {
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));
        expect(existsSync(path.dirname(project.runnerFolder("registry")))).toBe(false);
        expect(project.pid("amd64")).toBe(0);
    });
});
