import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import * as path from "node:path";
import { daysPass } from "../helpers/daysPass";
import { describeHere } from "../helpers/needs";
import { fromStep, writes } from "../helpers/stepImage";
import { Project, registryHost, unchanged } from "./project";

jest.setTimeout(300_000);

describeHere("the garbage of the local registry", () => {
    let project: Project;
    const repository = () => `${registryHost}:${project.port}/native-buildx/app`;
    const crane = (...words: string[]) => project.run("crane", words);
    /** Pulls all of an image: platforms, attestations, layers. */
    const pull = (ref: string) =>
        project.succeed(
            crane("pull", "--format=oci", ref, path.join(project.folder, "pulled", ref.replaceAll("/", "_"))),
        );
    const app = { context: "app", provenance: "min", cache: "registry" };

    beforeAll(async () => {
        project = await Project.create("garbage", { images: { app }, localUntaggedDays: 3 });
        await project.init();
    });
    afterAll(() => project?.end());

    /** The image's reference, and what is random in it. */
    async function up(text: string): Promise<{ ref: string; random: string }> {
        project.context("app", [...fromStep, 'RUN ["/step", "fill", "/random", "1"]', writes(text)]);
        await project.succeed(project.up());
        const { images } = await project.outputs();
        return { ref: images.app?.ref ?? "", random: await project.digestOfFile("app", "amd64", "random") };
    }

    /** A new start of the registry, so many days later; what it says. */
    async function startAfter(days: number): Promise<string> {
        const folder = project.runnerFolder("registry");
        execFileSync("sh", ["registry.sh", "stop"], { cwd: folder });
        daysPass(folder, days);
        const input = await project.connectScript();
        return (await project.succeed(project.run("sh", ["-s", "--", "--prepare"], { input }))).output;
    }

    it("is an image whose tags have moved on, with its platforms and attestations", async () => {
        const first = await up("first");
        const second = await up("second");
        expect(await startAfter(1)).toBe("");
        await pull(first.ref);

        expect(await startAfter(3)).toMatch(/^registry: removed \d+ manifests that had no tag for 3 days, \d+ MB: /);
        expect((await crane("manifest", first.ref)).output).toContain("MANIFEST_UNKNOWN");
        await pull(second.ref);
        for (const tag of ["latest", "latest-amd64", "latest-arm64"]) {
            await pull(`${repository()}:${tag}`);
        }
        expect(await project.succeed(project.up())).toMatchObject({
            output: expect.stringMatching(unchanged),
        });
    });

    it("is not the build cache: a runner that has lost its own takes it from there", async () => {
        const before = await up("third");
        await startAfter(1);
        await startAfter(3);
        project.stopRunners("amd64");
        rmSync(path.join(project.runnerFolder("amd64"), "root"), { recursive: true });
        const after = await up("fourth");
        expect(after.ref).not.toBe(before.ref);
        expect(after.random).toBe(before.random);
    });
});
