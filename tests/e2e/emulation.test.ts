import { execFileSync } from "node:child_process";
import {
    copyFileSync,
    cpSync,
    existsSync,
    linkSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    symlinkSync,
} from "node:fs";
import * as path from "node:path";
import { toolchains } from "../helpers/checkout";
import { debianRoot } from "../helpers/debianRoot";
import { describeUnless, missing, missingTwins } from "../helpers/needs";
import { fromStep, stepBinary, writes } from "../helpers/stepImage";
import { temporaryFolder } from "../helpers/temporaryFolder";
import { Project } from "./project";

jest.setTimeout(1_200_000);

/** Revisions of Debian 12's compiler, as it marks what it compiles: the container's own, and its twin's. */
const own = "12.2.0-14+deb12u1";
const twin = "12.2.0-14";

/** What a step came to: each command's exit status, and the mark of what it compiled; and all that they said. */
interface Outcome {
    results: { [name: string]: string };
    said: string;
}

/** An exit status without a mark. */
const statusOf = (result: string) => result.split(" ")[0];

/** What every command came to, whoever compiled: the two builds must not differ in anything else. */
function statuses({ results }: Outcome): { [name: string]: string | undefined } {
    return Object.fromEntries(Object.entries(results).map(([name, result]) => [name, statusOf(result)]));
}

async function emulatedProject(stack: string, settings: { [name: string]: unknown } = {}): Promise<Project> {
    const project = await Project.create(stack, { platforms: ["linux/arm64"], ...settings });
    symlinkSync(toolchains, path.join(project.machine.home, "toolchains"));
    await project.init();
    return project;
}

/** Whether a runner is registered in binfmt_misc: by the name that emulation.sh gives it. Others come and go beside it. */
function isRegistered(project: Project): boolean {
    const script = "printf '%s' \"$0\" | cksum | tr -c '0-9\\n' -";
    const name = execFileSync("sh", ["-c", script, project.runnerFolder("arm64")], { encoding: "utf8" }).trim();
    return existsSync(`/proc/sys/fs/binfmt_misc/native-buildx-aarch64-${name}`);
}

/** The context: its sources, a real library, and a root with more compilers. */
function prepareContext(project: Project): void {
    const folder = path.join(project.folder, "compiled");
    cpSync(path.join(__dirname, "emulation"), folder, { recursive: true });
    linkSync(debianRoot(project.folder, "arm64", undefined, "g++,ccache"), path.join(folder, "rootfs.tar"));
    const sources = path.join(project.folder, "encoder/app/source");
    const source = readdirSync(sources).find((name) => name.endsWith(".orig.tar.gz")) ?? "";
    const unpack = ["-c", 'gunzip <"$0" >"$1"', path.join(sources, source)];
    execFileSync("sh", [...unpack, path.join(folder, "encoder.tar")]);
}

describeUnless(missing() ?? missingTwins())("compilers of an emulated platform", () => {
    let project: Project;
    /** Another checkout's, or another stack. */
    let beside: Project | undefined;

    beforeAll(async () => {
        project = await emulatedProject("emulated");
        prepareContext(project);
    });

    afterAll(async () => {
        await beside?.end();
        await project?.end();
    });

    /** What is in an image, as it is in the registry, by a file's path. */
    async function contentOf(image: string): Promise<(file: string) => string> {
        const { images } = await project.outputs();
        const folder = mkdtempSync(path.join(project.folder, "image-"));
        const script = 'crane export "$0" - | tar --extract --directory "$1"';
        const ref = images[image]?.platforms["linux/arm64"] ?? "";
        await project.succeed(project.run("sh", ["-c", script, ref, folder]));
        return (file) => readFileSync(path.join(folder, file), "utf8");
    }

    function outcome(results: string, said: string): Outcome {
        const lines = results.trimEnd().split("\n");
        return {
            results: Object.fromEntries(lines.map((line) => [line.split(" ")[0], line.replace(/^\S+ /, "").trim()])),
            said,
        };
    }

    async function build(nativeCompilers: boolean) {
        const compiled = { context: "compiled", args: { AGAIN: `${nativeCompilers}` } };
        project.configure({ nativeCompilers, images: { compiled } });
        await project.succeed(project.up());
        const content = await contentOf("compiled");
        return {
            compiled: outcome(content("compiled/results"), content("compiled/said")),
            replaced: outcome(content("replaced/results"), content("replaced/said")),
            machine: content("compiled/machine"),
            driver: content("compiled/driver"),
            marks: new Set(content("compiled/marks").trimEnd().split("\n")),
            digests: content("compiled/digests"),
            list: content("list").split("\n"),
        };
    }

    let emulated: Awaited<ReturnType<typeof build>>;
    let native: Awaited<ReturnType<typeof build>>;

    it("are emulated where setting nativeCompilers is false", async () => {
        emulated = await build(false);
        expect(isRegistered(project)).toBe(false);
        expect(emulated.marks).toEqual(new Set([own]));
        expect(emulated.driver).not.toContain("/dev/");
        const { compiled, replaced } = emulated;
        expect(Object.values({ ...compiled.results, ...replaced.results })).not.toContain(`0 ${twin}`);
    });

    it("run natively, without a word in the Dockerfile, wherever they do the same as the originals", async () => {
        native = await build(true);
        expect(isRegistered(project)).toBe(true);
        expect(native.machine).toBe("aarch64\n");
        expect(native.marks).toEqual(new Set([twin]));
        expect(native.driver).toMatch("/dev/.native-toolchain/aarch64/");
        expect(native.compiled.results).toEqual({
            plain: `0 ${twin}`,
            predefined: `0 ${twin}`,
            debug: `0 ${twin}`,
            pipe: `0 ${twin}`,
            response: `0 ${twin}`,
            temporary: `0 ${twin}`,
            lto: `0 ${twin}`,
            emptyEnvironment: `0 ${twin}`,
            protected: `0 ${own}`,
            protectedBySource: `0 ${own}`,
            protectedFromPipe: `0 ${own}`,
            probedBySource: `0 ${own}`,
            optimizedBySource: `0 ${twin}`,
            preload: `0 ${own}`,
            preloadFile: `0 ${own}`,
            includePath: `0 ${own}`,
            standardInput: `0 ${own}`,
            standardOutput: "0",
            closed: `0 ${twin}`,
            noHeaders: "1",
            ownHeaders: `0 ${own}`,
            rootOfHeaders: `0 ${own}`,
            missingFolders: `0 ${twin}`,
            precompiledHeader: `0 ${own}`,
            precompiledFromInput: `0 ${own}`,
            broken: "1",
            brokenInUnicode: "1",
            linked: "42",
            linkersOption: "0",
            longCommand: `0 ${twin}`,
            tooLongCommand: "1",
            relocated: "1",
            prefix: `0 ${own}`,
            assembly: "0",
            preprocessed: "0",
            headers: "0",
            several: "0",
            none: "1",
            called: `0 ${twin}`,
            ccacheMiss: `0 ${twin}`,
            ccacheHit: `0 ${twin}`,
            ccacheCounts: "0",
            signal: "1",
            cxx: `0 ${twin}`,
            cxxModern: `0 ${twin}`,
            cxxProtectedBySource: `0 ${own}`,
            cxxModule: `0 ${own}`,
            cxxImport: `0 ${own}`,
            cxxNoHeaders: "1",
            cxxLinked: "42",
        });
        expect(native.compiled.said).toMatch(/Terminated signal terminated program cc1/);
        expect(native.compiled.said).toMatch(/^(direct|preprocessed)_cache_hit\t1$/m);
    });

    it("are themselves only where they are what they are called, and may be replaced within a step", () => {
        expect(native.replaced.results).toEqual({
            patched: `0 ${own}`,
            forged: "0",
            empty: "0",
            script: "7",
            begun: expect.stringMatching(/^[1-9]/),
            beyond: expect.stringMatching(/^[1-9]/),
            dangling: "127",
            outward: "0",
            byProcess: "0",
            linked: `0 ${twin}`,
            renamed: `0 ${own}`,
            unreadable: `0 ${own}`,
            setuid: `0 ${twin}`,
            who: "0",
            calledOtherwise: "0",
            processName: "0",
            descriptors: "0",
            removed: "1",
            installed: `0 ${twin}`,
            upgraded: `0 ${own}`,
            downgraded: `0 ${twin}`,
        });
        expect(native.replaced.said).toMatch(/^== forged\n-quiet a\.c$/m);
        expect(native.replaced.said).toMatch(/^== processName\ncat$/m);
    });

    it.each(["compiled", "replaced"] as const)("end and say as the emulated originals: %s", (step) => {
        expect(statuses(native[step])).toEqual(statuses(emulated[step]));
        expect(native[step].said).toBe(emulated[step].said);
    });

    it("make what the emulated originals make, byte for byte but for the compiler's mark", () => {
        expect(emulated.digests).toMatch(/ words\.o$/m);
        expect(emulated.digests.trimEnd().split("\n").length).toBeGreaterThan(5);
        expect(native.digests).toBe(emulated.digests);
    });

    it("leave no trace in a layer", () => {
        expect(native.list.some((line) => line.startsWith("compiled/dev d "))).toBe(true);
        expect(native.list.length).toBeGreaterThan(5000);
        // The difference, before all of it.
        const known = new Set(emulated.list);
        expect(native.list.filter((line) => !known.has(line))).toEqual([]);
        expect(native.list).toEqual(emulated.list);
    });

    /** An emulated program of the machine itself, and in a root that has nothing but it. */
    function expectOthersToRun(): void {
        const empty = temporaryFolder();
        const program = path.join(empty, "step");
        copyFileSync(stepBinary("arm64"), program);
        execFileSync(program, ["find", "/proc/self/comm", "step"]);
        const said = execFileSync("chroot", [empty, "/step", "print", "hello", "1"], { encoding: "utf8" });
        expect(said).toBe("hello");
        rmSync(empty, { recursive: true });
    }

    it("are no matter to other emulated programs, and go on beside another checkout's runner", async () => {
        beside = await emulatedProject("beside");
        const small = beside.context("small", [...fromStep, writes("first")]);
        beside.configure({ images: { small: { context: small } } });
        await beside.succeed(beside.up());
        expect([project, beside].map(isRegistered)).toEqual([true, true]);
        expectOthersToRun();

        const quick = { context: "compiled", target: "marked", args: { AGAIN: "beside" } };
        project.configure({ images: { quick } });
        await project.succeed(project.up());
        expect((await contentOf("quick"))("mark")).toContain(`(Debian ${twin})`);
    });

    it("are registered while their runner is awake, and not afterwards", async () => {
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));
        expect([project, beside as Project].map(isRegistered)).toEqual([false, true]);
        expectOthersToRun();
        beside?.stopRunners("arm64");
        expect(isRegistered(beside as Project)).toBe(false);
        expectOthersToRun();
        expect(readFileSync("/proc/sys/fs/binfmt_misc/qemu-aarch64", "utf8")).toMatch(/^enabled/);
    });
});
