import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { checkout } from "../helpers/checkout";
import { describeHere } from "../helpers/needs";
import { archs, fromStep, writes } from "../helpers/stepImage";
import { commandOf } from "./processes";
import { Project, registryHost } from "./project";

jest.setTimeout(300_000);

// What happens to the daemons of this machine behind the stack's back, told in order.
describeHere("the daemons of a stack on this machine", () => {
    let project: Project;

    beforeAll(async () => {
        project = await Project.create("folders");
        project.context("image", [...fromStep, writes("built")]);
        project.configure({ images: { image: { context: "image" } } });
        // The commands of `make`, but for what sets the machine up.
        mkdirSync(path.join(project.folder, "tools"));
        for (const file of ["env.sh", "stack.sh", "up.sh"]) {
            cpSync(path.join(checkout, "tools", file), path.join(project.folder, "tools", file));
        }
        symlinkSync(path.join(checkout, "tools/summary.ts"), path.join(project.folder, "tools/summary.ts"));
        writeFileSync(path.join(project.folder, "tools/setup.sh"), "#!/bin/sh\n", { mode: 0o755 });
        await project.succeed(makeUp());
    });

    afterAll(() => project?.end());

    const makeUp = () => project.run("sh", ["tools/up.sh", "folders"]);

    it("serve the images after make up where the registry was down, also if nothing has changed", async () => {
        process.kill(project.pid("registry"), "SIGKILL");
        const { output } = await project.succeed(makeUp());

        expect(output).toContain(`Pushed to    ${registryHost}:${project.port}/native-buildx`);
        expect(await project.platformsOf("image")).toEqual(["linux/amd64", "linux/arm64"]);
    });

    it("keep their ports where another first port is one of these", async () => {
        const registry = project.pid("registry");
        project.configure({ localPort: project.port + 1 });
        const { code, output } = await project.up();

        expect(code).not.toBe(0);
        expect(output).toContain(
            `port ${project.port + 1}, for the registry, is in use by process ${project.buildkitdPid("amd64")} of this stack, ` +
                `in ${project.runnerFolder("amd64")}; end that: kill ${project.buildkitdPid("amd64")}, or choose another`,
        );
        expect(project.pid("registry")).toBe(registry);
        project.configure({ localPort: project.port });
        await project.succeed(project.up());
    });

    it("end with the stack where their folder was removed", async () => {
        const pids = [project.pid("registry"), ...archs.map((arch) => project.buildkitdPid(arch))];
        rmSync(path.dirname(project.runnerFolder("registry")), { recursive: true });
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));

        expect(pids.map(commandOf)).toEqual(["", "", ""]);
        expect(existsSync(path.dirname(project.runnerFolder("registry")))).toBe(false);
    });
});
