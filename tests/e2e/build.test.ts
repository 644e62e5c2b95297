import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { describeHere } from "../helpers/needs";
import { type Arch, archs, asleepFor, fromStep, prints, writes } from "../helpers/stepImage";
import type { Running } from "./commands";
import { inMidBuild } from "./midBuild";
import { commandOf, descendants, kill, until } from "./processes";
import { Project, unchanged } from "./project";

jest.setTimeout(300_000);

// What people met with in builds: each must be a right image, or one error that says what to do.
describeHere("images through the provider", () => {
    let project: Project;

    beforeAll(async () => {
        // Capitals, a blank and letters outside ASCII, as people have them.
        project = await Project.create("PR-12");
        project.context("image", [...fromStep, writes("at first")]);
        project.configure({ images: { image: { context: "image" } } });
        await project.init();
        await project.succeed(project.up());
    });

    afterAll(() => project?.end());

    const only = (...images: string[]) =>
        project.configure({ images: Object.fromEntries(images.map((name) => [name, { context: name }])) });

    async function expectFile(image: string, file: string, text: string, of: readonly Arch[] = archs): Promise<void> {
        for (const arch of of) {
            expect(await project.fileIn(image, arch, file)).toBe(text);
        }
    }

    it("have neither code, nor keys, nor a path of this machine in the state", async () => {
        const { output } = await project.succeed(project.pulumi("stack", "export"));
        const { resources } = JSON.parse(output).deployment as { resources: { custom: boolean }[] };
        const made = JSON.stringify(resources.filter(({ custom }) => custom));
        for (const text of ["#!/bin/sh", "PRIVATE KEY", project.folder, project.machine.home, "__provider"]) {
            expect(made.includes(text) ? text : "").toBe("");
        }
    });

    it("say in a preview what an up will build, and which of them it will not", async () => {
        const preview = async () => (await project.succeed(project.pulumi("preview"))).output;
        expect(await preview()).toMatch(unchanged);
        writeFileSync(path.join(project.folder, "image/new.txt"), "new");
        expect(await preview()).toMatch(/PlatformImage +image-arm64 +update/);
        await project.succeed(project.up());
        expect(await preview()).toMatch(unchanged);
    });

    it("are built with long lines, progress bars, bytes that are no text, and escapes in their output", async () => {
        project.context("loud", [
            ...fromStep,
            prints("x", 190_000),
            prints("\\r[=====>    ] 50 %", 10_000),
            prints("y", 70_000),
            prints("short\\n", 30_000),
            prints("\\xff\\xfe\\x00 \\x1b[31mred\\x1b]0;title\\x07\\n", 100),
            writes("in the end"),
        ]);
        only("image", "loud");
        const { output } = await project.succeed(project.up());

        // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not reach a terminal
        expect(output).not.toMatch(/\x1b|\x07/);
        // A line a step, and what the engine says of each resource; not a line of what the steps printed.
        const lines = output.slice(0, output.indexOf("Outputs:")).split("\n");
        expect(lines.length).toBeLessThan(100);
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(400);
        await expectFile("loud", "result", "in the end");
        only("image");
        await project.succeed(project.up());
    });

    it("show the step that failed, its last lines and the Dockerfile's line, once", async () => {
        project.context("image", [...fromStep, prints("before the end\\n", 3), 'RUN ["/step", "fail", "now"]']);
        const { code, output } = await project.up();

        expect(code).not.toBe(0);
        expect(output).toMatch(/Dockerfile:5/);
        const diagnostics = output.slice(output.indexOf("Diagnostics:"));
        for (const arch of archs) {
            const own = diagnostics.slice(diagnostics.indexOf(`image-${arch}`));
            expect(own).toContain('no step "fail"');
        }
        expect(diagnostics.match(/no step "fail"/g)).toHaveLength(archs.length);
    });

    it("have the files that were there when they were built, whatever links and ignore files say", async () => {
        const folder = path.join(project.folder, "image");
        project.context("image", [...fromStep, "COPY . /all/"], { "app.txt": "one", ".dockerignore": "*.log\n" });
        symlinkSync("me@host.1", path.join(folder, ".#app.txt"));
        symlinkSync("itself", path.join(folder, "itself"));
        mkdirSync(path.join(folder, "v1"));
        symlinkSync("v1", path.join(folder, "current"));
        await project.succeed(project.up());
        await expectFile("image", "all/app.txt", "one");

        // As long, and as old.
        const { atime, mtime } = { atime: new Date(1e12), mtime: new Date(1e12) };
        utimesSync(path.join(folder, "app.txt"), atime, mtime);
        await project.succeed(project.up());
        writeFileSync(path.join(folder, "app.txt"), "two");
        utimesSync(path.join(folder, "app.txt"), atime, mtime);
        expect((await project.succeed(project.up())).output).toContain("image-arm64: built for linux/arm64");
        await expectFile("image", "all/app.txt", "two");

        writeFileSync(path.join(folder, "noise.log"), "ignored");
        expect((await project.succeed(project.up())).output).toMatch(unchanged);
    });

    it("get each its own files from folders of one name with equal sizes and times", async () => {
        for (const [parent, text] of Object.entries({ a: "of a", b: "of b" })) {
            mkdirSync(path.join(project.folder, parent));
            project.context(`${parent}/docker`, [...fromStep, "COPY v.txt /v.txt"], { "v.txt": text });
            utimesSync(path.join(project.folder, parent, "docker/v.txt"), new Date(1e12), new Date(1e12));
        }
        project.configure({ images: { a: { context: "a/docker" }, b: { context: "b/docker" } } });
        await project.succeed(project.up());
        await expectFile("a", "v.txt", "of a");
        await expectFile("b", "v.txt", "of b");
    });

    it("refuse a last stage of another architecture, with its line", async () => {
        const base = await project.outputs().then(({ images }) => images.a?.platforms["linux/amd64"]);
        project.context("image", ["# first line", `FROM --platform=linux/amd64 ${base}`]);
        project.configure({ images: { a: { context: "a/docker" }, image: { context: "image" } } });
        const { code, output } = await project.up();

        expect(code).not.toBe(0);
        expect(output).toMatch(/image-arm64[\s\S]*Dockerfile:2/);

        project.context("image", [
            "FROM --platform=$BUILDPLATFORM scratch AS tools",
            "COPY step-amd64 /",
            "FROM --platform=$BUILDPLATFORM tools",
        ]);
        const emulated = await project.up();
        expect(emulated.code).not.toBe(0);
        expect(emulated.output).toMatch(
            process.arch === "x64" ? /image-arm64[\s\S]*Dockerfile:3/ : /image-amd64[\s\S]*Dockerfile:3/,
        );
    });

    it("build with the platform of this machine as BUILDPLATFORM, also on the runner that emulates", async () => {
        project.context("image", [
            "FROM --platform=$BUILDPLATFORM scratch AS build",
            "ARG BUILDARCH",
            "COPY step-$BUILDARCH /step",
            'RUN ["/step", "write", "/made", "by a native program"]',
            "COPY made-on-$BUILDARCH /made-on",
            ...fromStep,
            "COPY --from=build /made /result",
            "COPY --from=build /made-on /made-on",
        ]);
        for (const arch of archs) {
            writeFileSync(path.join(project.folder, `image/made-on-${arch}`), arch);
        }
        only("image");
        await project.succeed(project.up());
        await expectFile("image", "result", "by a native program");
        await expectFile("image", "made-on", process.arch === "x64" ? "amd64" : "arm64");
    });

    it.each<[string, () => NodeJS.ProcessEnv]>([
        ["a builder of the user's", () => ({ BUILDX_BUILDER: "mine", BUILDKIT_HOST: "tcp://127.0.0.1:9" })],
        // Where nobody can make a file, root neither.
        ["a docker configuration that can be written to", () => ({ DOCKER_CONFIG: "/sys", BUILDX_CONFIG: "" })],
        ["BuildKit turned off", () => ({ DOCKER_BUILDKIT: "0", DOCKER_DEFAULT_PLATFORM: "linux/s390x" })],
        [
            "another daemon",
            () => ({
                ...{ DOCKER_HOST: "tcp://127.0.0.1:9", DOCKER_CONTEXT: "nowhere" },
                ...{ DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/nowhere" },
            }),
        ],
        [
            "a proxy that nobody answers at",
            () => ({
                HTTPS_PROXY: "http://127.0.0.1:9",
                HTTP_PROXY: "http://127.0.0.1:9",
                NO_PROXY: "localhost,127.0.0.1",
            }),
        ],
    ])("do not depend on %s in the environment", async (what, environment) => {
        project.context("image", [...fromStep, writes(what)]);
        only("image");
        project.stopRunners("amd64", "arm64");
        await project.succeed(project.up(environment()));
        await expectFile("image", "result", what);
    });

    it.each([
        ["is not there", undefined],
        ["fails", "echo no session bus >&2; exit 1"],
    ])("do not depend on a credential store that %s", async (what, script) => {
        const bin = path.join(project.folder, `bin ${what}`);
        mkdirSync(bin);
        if (script) {
            writeFileSync(path.join(bin, "docker-credential-broken"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
        }
        const config = path.join(project.machine.user, ".docker/config.json");
        writeFileSync(config, JSON.stringify({ credsStore: "broken" }));
        project.context("image", [...fromStep, writes(what)]);
        await project.succeed(project.up({ PATH: `${bin}:${project.environment.PATH}` }));
        writeFileSync(config, "{}");
        await expectFile("image", "result", what);
    });

    it("stay as they are when another moved their tags, and a refresh moves them back", async () => {
        const { ref = "", platforms = {} } = (await project.outputs()).images.image ?? {};
        const [amd64 = "", arm64 = ""] = [platforms["linux/amd64"], platforms["linux/arm64"]];
        await project.succeed(project.run("crane", ["copy", amd64, ref.replace(/@.*/, "")]));
        await project.succeed(project.run("crane", ["copy", arm64, amd64.replace(/@.*/, "")]));
        const { output } = await project.succeed(project.pulumi("up", "--refresh", "--yes", "--skip-preview"));
        expect(output).toMatch(/Index +image +updated/);
        for (const mine of [ref, amd64]) {
            const [tag = "", digest] = mine.split("@");
            expect((await project.succeed(project.run("crane", ["digest", tag]))).output.trim()).toBe(digest);
        }
        expect((await project.outputs()).images.image).toEqual({ ref, platforms });
    });

    it("are pushed again where the registry has lost them, after a refresh, and into a registry that was made anew", async () => {
        const there = async () => {
            const { ref = "", platforms = {} } = (await project.outputs()).images.image ?? {};
            for (const image of [ref, ...Object.values(platforms)]) {
                await project.succeed(project.run("crane", ["manifest", image]));
            }
            return { ref, platforms };
        };
        const { ref, platforms } = await there();
        for (const image of [ref, platforms["linux/amd64"] ?? ""]) {
            await project.succeed(project.run("crane", ["delete", image.replace(/:[^:/]*@/, "@")]));
        }
        await project.succeed(project.pulumi("up", "--refresh", "--yes", "--skip-preview"));
        await there();
        await project.succeed(project.pulumi("up", "--yes", "--skip-preview", "--replace", "**LocalFolder::registry"));
        await there();
    });

    it("join their attestations, where they are asked for", async () => {
        project.configure({
            images: { image: { context: "image", provenance: "max", labels: { who: 'me, "myself"' } } },
        });
        await project.succeed(project.up());
        expect(await project.platformsOf("image")).toEqual([
            ...["linux/amd64", "linux/arm64", "unknown/unknown", "unknown/unknown"],
        ]);
        only("image");
        await project.succeed(project.up());
    });

    const processesOf = (running: Running, command: RegExp) =>
        descendants(running.child.pid ?? 0).filter((pid) => command.test(commandOf(pid)));

    it.each([
        ["the provider", /pulumi-resource-native-buildx/, 8],
        ["buildx", /buildx build/, 8.5],
    ])("are right after %s was killed in mid-build, and no process stays", async (what, command, seconds) => {
        project.context("image", [...fromStep, asleepFor(seconds), writes(`despite ${what}`)]);
        const running = project.startUp();
        await inMidBuild(running, "arm64");
        const builds = processesOf(running, /buildx build/);
        for (const pid of processesOf(running, command)) {
            kill(pid);
        }
        const { code } = await running.done;
        expect(code).not.toBe(0);
        await until("its builds to be gone", () => builds.every((pid) => commandOf(pid) === ""), 30);

        await project.succeed(project.up());
        await expectFile("image", "result", `despite ${what}`);
    });

    it("refresh and destroy with the registry down, the runners gone, and buildx missing", async () => {
        process.kill(project.pid("registry"), "SIGKILL");
        project.stopRunners("amd64", "arm64");
        const without = path.join(project.folder, "without");
        mkdirSync(without);
        for (const program of ["pulumi", "pulumi-language-nodejs"]) {
            const found = execFileSync("sh", ["-c", `command -v ${program}`], {
                env: project.environment,
                encoding: "utf8",
            });
            symlinkSync(found.trim(), path.join(without, program));
        }
        const env = { PATH: `${without}:/usr/local/bin:/usr/bin:/bin` };
        const run = (...words: string[]) =>
            project.run("pulumi", [...words, "--yes", "--skip-preview", "--stack", project.stack], { env });
        expect((await project.succeed(run("refresh"))).output).toMatch(unchanged);
        await project.succeed(run("destroy"));
        expect(existsSync(path.dirname(project.runnerFolder("registry")))).toBe(false);
        expect(readFileSync(path.join(project.folder, "Pulumi.yaml"), "utf8")).toContain("native-buildx");
    });
});
