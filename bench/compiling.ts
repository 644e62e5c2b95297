import { existsSync } from "node:fs";
import * as path from "node:path";
import type { Platform } from "../components/architecture";
import type { ImageDraft } from "../configuration/images";
import type { Note } from "./figures";
import { type Library, libraries } from "./libraries";
import { stepSeconds } from "./receipts";
import type { Sandbox } from "./sandbox";

/** Of an x86 machine, the one that has native compilers for a platform it emulates. */
const own: Platform = "linux/amd64";
const emulated: Platform = "linux/arm64";
/** In the root file systems, besides the example's: for x265, and for the assembly of both. */
const packages = ["g++", "cmake", "nasm"];
/** Root file system of the machine's own platform that has a cross compiler for the other. */
const crossRoot = "cross";

/** Compiles libraries by `pulumi up`, a library in one step, on runners of this machine that are awake before it. */
export class CompilingBench {
    private constructor(private readonly sandbox: Sandbox) {}

    /** Why it cannot be measured here. */
    static missing(toolchains: string): string | undefined {
        if (process.arch !== "x64") {
            return "no x86 machine, for which alone there are native compilers of another platform";
        }
        return existsSync(path.join(toolchains, "aarch64/twins"))
            ? undefined
            : "no native compilers of linux/arm64: see what tools/setup.sh says of its toolchain";
    }

    /** With everything prepared that is not measured. */
    static async open(sandbox: Sandbox): Promise<CompilingBench> {
        for (const { name } of libraries) {
            await sandbox.addLibrary(name, packages);
        }
        await sandbox.addRoots(crossRoot, [...packages, "g++-aarch64-linux-gnu"], ["amd64"]);
        await sandbox.addContext("emulation/processes");
        await sandbox.addContext("emulation/steps");
        return new CompilingBench(sandbox);
    }

    /** Every way in turn. */
    async measure(note: Note): Promise<void> {
        for (const nativeCompilers of [true, false]) {
            for (const library of libraries) {
                await this.compile(library, nativeCompilers, note);
            }
            await this.runSteps(nativeCompilers, note);
        }
    }

    private async compile(library: Library, nativeCompilers: boolean, note: Note): Promise<void> {
        const { name } = library;
        const image = { context: `${name}/app`, target: "compiled" };
        const make = (platform: Platform, cross?: string) =>
            this.seconds(image, platform, nativeCompilers, "RUN make ", cross);
        if (nativeCompilers) {
            note(library.natively, await make(own));
            note(library.crossCompiled, await make(own, library.cross));
            note(library.withNativeCompilers, await make(emulated));
            const encoded = { ...image, target: "encoded" };
            note(library.encode, await this.seconds(encoded, own, nativeCompilers, `RUN ./${name} `));
        } else {
            note(library.emulated, await make(emulated));
        }
    }

    /** What it costs that QEMU's front and a mount are there, where they are of no use. */
    private async runSteps(nativeCompilers: boolean, note: Note): Promise<void> {
        const steps = { context: "emulation/steps" };
        const seconds = await this.seconds(steps, emulated, nativeCompilers, "RUN ");
        note(nativeCompilers ? "stepsWithNativeCompilers" : "stepsEmulated", seconds);
        if (nativeCompilers) {
            const image = { context: "emulation/processes" };
            note("processesWithNativeCompilers", await this.seconds(image, emulated, nativeCompilers, "do /bin/true;"));
            note(
                "processesEmulated",
                stepSeconds(await this.sandbox.receipts(), "measured", emulated, "emulator /bin/true;"),
            );
        }
    }

    /**
     * Builds an image for a platform. Resolves to the seconds of those steps whose names have `step` in them.
     *
     * @param cross on a root file system with a cross compiler, which is configured so. @default the platform's own compiler
     */
    private async seconds(
        image: ImageDraft & { context: string },
        platform: Platform,
        nativeCompilers: boolean,
        step: string,
        cross = "",
    ): Promise<number> {
        const root: ImageDraft = {
            context: `${cross ? crossRoot : "x264"}/base/{arch}`,
            dockerfile: "examples/encoder/base/Dockerfile",
            platforms: cross ? [platform] : undefined,
        };
        const args = { AGAIN: String(Date.now()), CROSS: cross };
        const measured = { ...image, bases: ["compilers"], platforms: [platform], args };
        await this.sandbox.configure({
            platforms: [own, emulated],
            nativeCompilers,
            images: { compilers: root, measured },
        });
        await this.sandbox.up();
        return stepSeconds(await this.sandbox.receipts(), "measured", platform, step);
    }
}
