import { execFileSync } from "node:child_process";
import { cpSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import * as path from "node:path";
import { checkout } from "../helpers/checkout";
import { describeUnless, missing } from "../helpers/needs";
import { Project } from "./project";

jest.setTimeout(1_200_000);

/** Revisions of Debian 12's compiler, as it marks what it compiles: the container's own, and its twin's. */
const own = "12.2.0-14+deb12u1";
const twin = "12.2.0-14";

/** Made by tools/setup.sh; the tests' own project has it by a link. */
const toolchains = path.join(process.env.NATIVE_BUILDX_HOME ?? "", "toolchains");

function notHere(): string | undefined {
    if (process.arch !== "x64") {
        return "the compilers that are compared are those of arm64, emulated on x86";
    }
    return existsSync(path.join(toolchains, "aarch64/twins"))
        ? undefined
        : "no toolchain of native compilers: run tools/setup.sh";
}

/** Whether a runner is registered in binfmt_misc: by the name that emulation.sh gives it. Others come and go beside it. */
function isRegistered(runnerFolder: string): boolean {
    const script = "printf '%s' \"$0\" | cksum | tr -c '0-9\\n' -";
    const name = execFileSync("sh", ["-c", script, runnerFolder], { encoding: "utf8" }).trim();
    return existsSync(`/proc/sys/fs/binfmt_misc/native-buildx-aarch64-${name}`);
}

describeUnless(missing() ?? notHere())("compilers of an emulated platform", () => {
    let project: Project;
    const registered = () => isRegistered(project.runnerFolder("arm64"));

    beforeAll(async () => {
        project = await Project.create("emulated", { platforms: ["linux/arm64"] });
        symlinkSync(toolchains, path.join(project.machine.home, "toolchains"));
        const folder = path.join(project.folder, "compiled");
        mkdirSync(folder);
        for (const file of ["Dockerfile", "compile.sh", "words.cc"]) {
            cpSync(path.join(__dirname, "emulation", file), path.join(folder, file));
        }
        // The example's root, with a compiler of C++ besides: in a folder of its own, for the example's stays as it is.
        const example = path.join(project.folder, "encoder");
        const prepare = path.join(example, "prepare.sh");
        cpSync(path.join(checkout, "examples/encoder/prepare.sh"), prepare);
        execFileSync("sh", [prepare, "arm64"], {
            stdio: "ignore",
            env: { ...process.env, NATIVE_BUILDX_PACKAGES: "g++" },
        });
        linkSync(path.join(example, "base/arm64/rootfs.tar"), path.join(folder, "rootfs.tar"));
        const source =
            readdirSync(path.join(example, "app/source")).find((name) => name.endsWith(".orig.tar.gz")) ?? "";
        execFileSync("sh", [
            "-c",
            'gunzip <"$1" >"$2"',
            "sh",
            path.join(example, "app/source", source),
            path.join(folder, "encoder.tar"),
        ]);
        await project.init();
    });

    afterAll(() => project?.end());

    async function build(again: string): Promise<{ [file: string]: string }> {
        project.configure({ images: { compiled: { context: "compiled", args: { AGAIN: again } } } });
        await project.succeed(project.up());
        const files = ["results", "marks", "digests", "machine"];
        const texts = await Promise.all(files.map((file) => project.fileIn("compiled", "arm64", file)));
        return Object.fromEntries(files.map((file, at) => [file, texts[at] ?? ""]));
    }

    /** Of `results`: each way's exit status, and the compiler's mark. */
    function waysOf({ results = "" }): { [way: string]: string } {
        const lines = results.trimEnd().split("\n");
        return Object.fromEntries(lines.map((line) => [line.split(" ")[0], line.replace(/^\S+ /, "").trim()]));
    }

    let native: { [file: string]: string };

    it("run natively, without a word in the Dockerfile, wherever they do the same as the originals", async () => {
        native = await build("natively");
        expect(native.machine).toBe("aarch64\n");
        expect(waysOf(native)).toEqual({
            plain: `0 ${twin}`,
            predefined: `0 ${twin}`,
            debug: `0 ${twin}`,
            pipe: `0 ${twin}`,
            response: `0 ${twin}`,
            temporary: `0 ${twin}`,
            lto: `0 ${twin}`,
            emptyEnvironment: `0 ${twin}`,
            protected: `0 ${own}`,
            preload: `0 ${own}`,
            includePath: `0 ${own}`,
            standardInput: `0 ${twin}`,
            noHeaders: "1",
            broken: "1",
            linked: "42",
            longCommand: `0 ${twin}`,
            cxx: `0 ${twin}`,
            cxxModern: `0 ${twin}`,
            cxxNoHeaders: "1",
            cxxLinked: "42",
            patched: `0 ${own}`,
            none: "1",
            dangling: "127",
            signal: expect.stringMatching(/^[1-9]/),
        });
        expect(new Set(native.marks?.trimEnd().split("\n"))).toEqual(new Set([twin]));
        expect(registered()).toBe(true);
    });

    it("leave no trace in a layer", async () => {
        const { images } = await project.outputs();
        const ref = images.compiled?.platforms["linux/arm64"] ?? "";
        const { output } = await project.succeed(project.run("sh", ["-c", 'crane export "$0" - | tar --list', ref]));
        expect(output).toMatch(/^layer-dev\//m);
        expect(output).not.toMatch(/native-toolchain/);
    });

    it("make what the emulated originals make, byte for byte but for the compiler's mark", async () => {
        project.configure({ nativeCompilers: false });
        const emulated = await build("by QEMU");
        expect(registered()).toBe(false);
        expect(new Set(emulated.marks?.trimEnd().split("\n"))).toEqual(new Set([own]));
        expect(emulated.digests).toMatch(/ words\.o$/m);
        expect(emulated.digests?.trimEnd().split("\n").length).toBeGreaterThan(5);
        expect(emulated.digests).toBe(native.digests);

        const unmarked = (files: { [file: string]: string }) =>
            Object.entries(waysOf(files)).map(([way, result]) => [way, result.split(" ")[0]]);
        expect(unmarked(emulated)).toEqual(unmarked(native));
    });

    it("are registered while their runner is awake, and not afterwards", async () => {
        project.configure({ nativeCompilers: true });
        await build("once more");
        expect(registered()).toBe(true);
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));
        expect(registered()).toBe(false);
        expect(readFileSync("/proc/sys/fs/binfmt_misc/qemu-aarch64", "utf8")).toMatch(/^enabled/);
    });
});
