import { existsSync } from "node:fs";
import * as path from "node:path";
import type { Platform } from "../components/architecture";
import type { Measurement } from "./figures";
import type { BenchSettings, Sandbox } from "./sandbox";

/** How the library is compiled. `nativeCompilers`: the setting. */
interface Way {
    measurement: Measurement;
    platform: Platform;
    nativeCompilers: boolean;
}

/** Of an x86 machine, the one that has native compilers for a platform it emulates. */
const ways: Way[] = [
    { measurement: "compileNatively", platform: "linux/amd64", nativeCompilers: true },
    { measurement: "compileWithNativeCompilers", platform: "linux/arm64", nativeCompilers: true },
    { measurement: "compileEmulated", platform: "linux/arm64", nativeCompilers: false },
];
const platforms = [...new Set(ways.map(({ platform }) => platform))];

/** Compiles a library by `pulumi up` in one step, on runners of this machine that are awake before it. */
export class CompilingBench {
    private constructor(
        private readonly sandbox: Sandbox,
        /** The images that the library's is built on. */
        private readonly bases: BenchSettings["images"],
    ) {}

    /** Why it cannot be measured here. */
    static missing(toolchains: string): string | undefined {
        if (process.arch !== "x64") {
            return "no x86 machine, for which alone there are native compilers of another platform";
        }
        return existsSync(path.join(toolchains, "aarch64/twins"))
            ? undefined
            : "no native compilers of linux/arm64: see what tools/setup.sh says of its toolchain";
    }

    /** With everything built that is not measured. */
    static async open(sandbox: Sandbox, images: BenchSettings["images"]): Promise<CompilingBench> {
        await sandbox.addLibrary("x264");
        const { base } = images;
        return new CompilingBench(sandbox, base ? { base } : {});
    }

    /** Every way in turn. */
    async measure(note: (name: Measurement, seconds: number) => void): Promise<void> {
        for (const way of ways) {
            note(way.measurement, await this.compile(way));
        }
    }

    /** Seconds of the step. */
    private async compile({ platform, nativeCompilers }: Way): Promise<number> {
        const x264 = {
            context: "x264/app",
            bases: Object.keys(this.bases),
            platforms: [platform],
            args: { AGAIN: String(Date.now()) },
        };
        await this.sandbox.configure({ platforms, nativeCompilers, images: { ...this.bases, x264 } });
        await this.sandbox.up();
        return this.sandbox.stepSeconds("x264", platform, "RUN make ");
    }
}
