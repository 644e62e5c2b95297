import { describeHere } from "../helpers/needs";
import { fromStep, writes } from "../helpers/stepImage";
import { Project, unchanged } from "./project";

jest.setTimeout(300_000);

describeHere("forty images at once", () => {
    let project: Project;
    const names = Array.from({ length: 40 }, (_, at) => `image-${at}`);

    beforeAll(async () => {
        project = await Project.create("forty", { platforms: ["linux/amd64", "linux/arm64"], buildsPerRunner: 2 });
        const contexts = names.map((name) => project.context(name, [...fromStep, writes(name)]));
        project.configure({ images: Object.fromEntries(names.map((name, at) => [name, { context: contexts[at] }])) });
        await project.init();
    });

    afterAll(() => project?.end());

    it("are built by the first up of a new stack", async () => {
        await project.succeed(project.up());
        for (const name of ["image-0", "image-39"]) {
            expect(await project.fileIn(name, "arm64", "result")).toBe(name);
        }
        expect((await project.succeed(project.up())).output).toMatch(unchanged);
    });
});
