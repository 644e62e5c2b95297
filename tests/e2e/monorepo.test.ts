import { rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { builtIn } from "../helpers/builtIn";
import { describeHere } from "../helpers/needs";
import { archs, fromStep, writes } from "../helpers/stepImage";
import { Project } from "./project";

jest.setTimeout(300_000);

const names = Array.from({ length: 20 }, (_, at) => `service-${at + 1}`);

/** The images of each platform, in the order in which an `up` is asked for them. */
const ofBoth = (...images: string[]) => images.flatMap((image) => archs.map((arch) => `${image}-${arch}`)).sort();

// One stack's life, told in order: each test goes on from the one before.
describeHere("a monorepo with 20 images, declared by one pattern", () => {
    let project: Project;

    const service = (name: string, from = fromStep) =>
        project.context(`services/${name}`, [...from, "COPY text /text", writes(`of ${name}`)], { text: "at first" });

    beforeAll(async () => {
        project = await Project.create("monorepo");
        for (const name of names) {
            service(name);
        }
        const common = project.context("common", [...fromStep, "COPY text /common"], { text: "at first" });
        service("service-2", ["FROM common"]);
        service("service-3", ["FROM service-2", "COPY --from=common /common /again"]);
        project.configure({
            images: {
                "services/*": { tags: ["1.0"] },
                "service-3": { bases: ["service-2", "common"] },
                "service-2": { bases: ["common"] },
                common: { context: common },
            },
        });
        await project.init();
    });

    afterAll(() => project?.end());

    it("builds them all in the first up, those that others are built on first", async () => {
        const { output } = await project.succeed(project.up());

        expect(builtIn(output)).toEqual(ofBoth("common", ...names));
        expect(await project.fileIn("service-20", "arm64", "result")).toBe("of service-20");
        expect(await project.fileIn("service-3", "amd64", "again")).toBe("at first");
        expect((await project.outputs()).images["service-7"]?.ref).toMatch(/\/service-7:1\.0@sha256:/);
    });

    it("rebuilds exactly the one that changed", async () => {
        const before = (await project.outputs()).images;
        writeFileSync(path.join(project.folder, "services/service-7/text"), "changed");
        const { output } = await project.succeed(project.up());

        expect(builtIn(output)).toEqual(ofBoth("service-7"));
        const { "service-7": changed, ...others } = (await project.outputs()).images;
        const { "service-7": old, ...same } = before;
        expect(others).toEqual(same);
        expect(changed?.ref).not.toBe(old?.ref);
        for (const arch of archs) {
            expect(await project.fileIn("service-7", arch, "text")).toBe("changed");
        }
    });

    it("rebuilds with an image those that are built on it", async () => {
        writeFileSync(path.join(project.folder, "common/text"), "changed");
        const { output } = await project.succeed(project.up());

        expect(builtIn(output)).toEqual(ofBoth("common", "service-2", "service-3"));
        expect(await project.fileIn("service-3", "arm64", "again")).toBe("changed");
    });

    it("has an image more for a folder more, and one less for a folder that is gone", async () => {
        service("service-21");
        rmSync(path.join(project.folder, "services/service-20"), { recursive: true });
        const { output } = await project.succeed(project.up());

        expect(builtIn(output)).toEqual(ofBoth("service-21"));
        expect(Object.keys((await project.outputs()).images).sort()).toEqual(
            ["common", "service-21", ...names.slice(0, 19)].sort(),
        );
    });
});
