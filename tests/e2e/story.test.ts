import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { builtIn } from "../helpers/builtIn";
import { describeHere } from "../helpers/needs";
import { type Arch, fromStep } from "../helpers/stepImage";
import { commandOf, until } from "./processes";
import { Project, quietCommands, unchanged } from "./project";

jest.setTimeout(300_000);

/** Seconds without a build after which the runners are idle. */
const idle = 6;

// One stack's life, told in order: each test goes on from the one before.
describeHere("the story of a stack", () => {
    let project: Project;

    beforeAll(async () => {
        project = await Project.create("story", { idleMinutes: idle / 60 });
        const base = project.context("base", [...fromStep, 'RUN ["/step", "write", "/base", "of the base"]']);
        const app = project.context("app", [
            "FROM base",
            "COPY greeting /greeting",
            'RUN ["/step", "write", "/built", "by a step"]',
        ]);
        writeFileSync(path.join(project.folder, "app/greeting"), "hello");
        project.configure({
            images: { base: { context: base }, app: { context: app, bases: ["base"], tags: ["1.0", "latest"] } },
        });
        await project.init();
    });

    afterAll(() => project?.end());

    const bothAsleep = () =>
        until("both runners to be asleep", async () => {
            const states = await Promise.all([project.state("amd64"), project.state("arm64")]);
            return states.every((state) => state === "stopped");
        });

    const writeStep = (seconds: number, text: string) =>
        project.context("app", [
            "FROM base",
            "COPY greeting /greeting",
            `RUN ["/step", "sleep", "${seconds}"]`,
            `RUN ["/step", "write", "/built", "${text}"]`,
        ]);

    it("builds and pushes every image for both platforms in the first up", async () => {
        // With the preview that people see first.
        const { output } = await project.succeed(project.pulumi("up", "--yes"));

        expect(builtIn(output)).toEqual(["app-amd64", "app-arm64", "base-amd64", "base-arm64"]);
        expect(output).not.toMatch(/warning/i);
        expect(await project.platformsOf("app")).toEqual(["linux/amd64", "linux/arm64"]);
        for (const arch of ["amd64", "arm64"] as Arch[]) {
            expect(await project.fileIn("app", arch, "base")).toBe("of the base");
            expect(await project.fileIn("app", arch, "greeting")).toBe("hello");
        }
    });

    it("tags the index and, with the architecture behind, each platform's image", async () => {
        const repository = `registry.native-buildx.internal:${project.port}/native-buildx/app`;
        const { output } = await project.succeed(project.run("crane", ["ls", repository]));

        expect(output.trim().split("\n").sort()).toEqual(
            ["1.0", "1.0-amd64", "1.0-arm64", "latest", "latest-amd64", "latest-arm64"].sort(),
        );
    });

    it("keeps keys out of the state, the logs, process arguments and others' reach", async () => {
        const state = await project.succeed(project.pulumi("stack", "export"));
        expect(state.output).not.toContain("PRIVATE KEY");

        for (const arch of ["amd64", "arm64"] as Arch[]) {
            expect(readFileSync(path.join(project.runnerFolder(arch), "log"), "utf8")).not.toContain("PRIVATE KEY");
        }
        const commands = readdirSync("/proc")
            .filter((name) => /^\d+$/.test(name))
            .map((pid) => commandOf(Number(pid)));
        // In two parts, or this process would be the one that shows it.
        expect(commands.filter((command) => command.includes(["PRIVATE", "KEY"].join(" ")))).toEqual([]);

        const find = ["-c", 'find "$@" -type f -perm /077 -exec grep -l "PRIVATE KEY" {} +; true', "find"];
        const readable = await project.run("sh", [...find, project.machine.home, project.machine.user]);
        expect(readable.output).toBe("");
    });

    it("lets idle runners end themselves", async () => {
        await bothAsleep();

        expect(project.pid("amd64")).toBe(0);
        expect(project.pid("arm64")).toBe(0);
    });

    it.each(quietCommands)("wakes no runner in an unchanged %s", async (_name, args) => {
        const { output } = await project.succeed(project.pulumi(...args));

        expect(output).toMatch(unchanged);
        expect(await project.state("amd64")).toBe("stopped");
        expect(await project.state("arm64")).toBe("stopped");
    });

    it("wakes one runner only, for a change that concerns one platform", async () => {
        project.configure({
            images: {
                base: { context: "base" },
                app: {
                    context: "app",
                    bases: ["base"],
                    tags: ["1.0", "latest"],
                    overrides: { "linux/arm64": { args: { ONLY: "here" } } },
                },
            },
        });
        const { output } = await project.succeed(project.up());

        expect(builtIn(output)).toEqual(["app-arm64"]);
        expect(await project.state("amd64")).toBe("stopped");
        expect(await project.platformsOf("app")).toEqual(["linux/amd64", "linux/arm64"]);
    });

    it("rebuilds the application alone when only the application changed", async () => {
        writeFileSync(path.join(project.folder, "app/greeting"), "good evening");
        const { output } = await project.succeed(project.up());

        expect(builtIn(output)).toEqual(["app-amd64", "app-arm64"]);
        expect(await project.fileIn("app", "arm64", "greeting")).toBe("good evening");
    });

    it("never stops a runner in the middle of a build, and does afterwards", async () => {
        writeStep(idle * 2.5, "after a long step");
        await project.succeed(project.up());

        expect(await project.fileIn("app", "amd64", "built")).toBe("after a long step");
        await bothAsleep();
    });

    it("leaves the builder ready for plain docker buildx, from an empty HOME", async () => {
        const script = await project.connectScript();
        const env = { HOME: path.join(project.folder, "empty") };
        await project.succeed(project.run("sh", ["-s"], { input: script, env }));
        const tag = `registry.native-buildx.internal:${project.port}/by/hand:1`;
        const args = ["build", "--builder", "native-buildx-story", "--platform", "linux/amd64,linux/arm64", "--push"];
        await project.succeed(project.run("buildx", [...args, "--tag", tag, "base"], { env }));

        const { output } = await project.succeed(project.run("crane", ["manifest", tag]));
        expect(output).toContain('"architecture": "arm64"');
        expect(output).toContain('"architecture": "amd64"');
    });

    it("wakes a runner again that went to sleep between two images of one up", async () => {
        await bothAsleep();
        // The base takes long for arm64, and the amd64 image needs that one too: meanwhile its runner has nothing to do.
        const slow = project.context("slow", [...fromStep, `RUN ["/step", "sleep", "${idle * 3}"]`]);
        const quick = project.context("quick", fromStep);
        const last = project.context("last", [
            "FROM --platform=linux/arm64 slow AS slow",
            "FROM quick",
            'RUN ["/step", "write", "/last", "built"]',
            "COPY --from=slow /step /of-arm64",
        ]);
        project.configure({
            images: {
                slow: { context: slow, overrides: { "linux/amd64": { context: quick } } },
                quick: { context: quick },
                last: { context: last, bases: ["slow", "quick"] },
            },
        });
        const running = project.startUp();
        await until("the amd64 runner to serve", async () => (await project.state("amd64")) === "serving");
        await until("it to have gone to sleep", async () => (await project.state("amd64")) === "stopped");
        await project.succeed(running.done);

        expect(await project.state("amd64")).toBe("serving");
        expect(await project.fileIn("last", "amd64", "last")).toBe("built");
        // A base that is asked for another platform is that platform's.
        const [ofLast, ofSlow] = await Promise.all([
            project.digestOfFile("last", "amd64", "of-arm64"),
            project.digestOfFile("slow", "arm64", "step"),
        ]);
        expect(ofLast).toBe(ofSlow);
    });

    it("destroys everything with the runners asleep, waking none, and leaves no process and no folder", async () => {
        await bothAsleep();
        const registry = project.pid("registry");
        expect(registry).not.toBe(0);
        const { output } = await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));

        expect(output).toMatch(/\d+ deleted/);
        expect(commandOf(registry)).toBe("");
        expect(existsSync(path.join(project.machine.home, "native-buildx-story"))).toBe(false);
        expect(readdirSync(path.join(project.machine.home, "trust"))).toEqual([]);
    });
});
