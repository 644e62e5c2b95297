import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import * as path from "node:path";
import { checkout } from "../helpers/checkout";
import { describeHere } from "../helpers/needs";
import { type Arch, archs } from "../helpers/stepImage";
import { Project } from "./project";

jest.setTimeout(900_000);

const native: Arch = process.arch === "x64" ? "amd64" : "arm64";
const foreign = archs.find((arch) => arch !== native) as Arch;

/** This machine's Go where Go's own image has it, and nothing else: programs of the machine's platform only. */
function makeGoImage(folder: string): void {
    const go = path.join(folder, "usr/local/go");
    for (const name of [go, path.join(folder, "usr/local/bin"), path.join(folder, "tmp")]) {
        mkdirSync(name, { recursive: true });
    }
    const parts = ["VERSION", "go.env", "bin/go", "pkg/tool", "pkg/include", "src"];
    const root = execFileSync("go", ["env", "GOROOT"], { encoding: "utf8" }).trim();
    const copy = `cd "$0" && to=$1 && shift && tar -c --exclude=src/cmd --exclude=testdata "$@" | tar -x -C "$to"`;
    execFileSync("sh", ["-c", copy, root, go, ...parts]);
    symlinkSync("../go/bin/go", path.join(folder, "usr/local/bin/go"));
}

describeHere("a compiler of the runner's own platform, as Dockerfiles ask for with --platform=$BUILDPLATFORM", () => {
    let project: Project;

    beforeAll(async () => {
        project = await Project.create("cross", { platforms: [`linux/${foreign}`] });
        makeGoImage(path.join(project.folder, "go"));
        await project.init();
    });

    afterAll(() => project?.end());

    it("runs natively where the platform is emulated, and its program is the platform's", async () => {
        const context = path.join(checkout, "examples/go");
        project.configure({ images: { hello: { context, contexts: { "golang:1.26": "go" } } } });
        await project.succeed(project.up());
        const { images } = await project.outputs();
        const ref = images.hello?.platforms[`linux/${foreign}`] ?? "";
        // On this machine it is emulated.
        const run = 'crane export "$0" - | tar --extract --file - hello && ./hello';
        const { output } = await project.succeed(project.run("sh", ["-c", run, ref]));
        expect(output).toBe(`hello from linux/${foreign}, compiled on linux/${native}\n`);
    });
});
