import { existsSync } from "node:fs";
import { release } from "node:os";
import * as path from "node:path";
import { architectures, type Platform } from "../../components/architecture";
import { toolchains, tools } from "./checkout";

/** Why a test that runs these programs of the project as root cannot run here, if it cannot. */
export function missingPrograms(...programs: string[]): string | undefined {
    const program = programs.find((name) => !existsSync(path.join(tools, name)));
    if (program) {
        return `tools/bin/${program} is missing: run tools/setup.sh`;
    }
    return process.getuid?.() === 0 ? undefined : "not root";
}

/** What a test needs to be able to run here; the reason if it cannot. */
export function missing(): string | undefined {
    const programs = missingPrograms("pulumi", "buildkitd", "buildctl", "registry", "crane");
    if (programs) {
        return programs;
    }
    for (const file of ["/proc/sys/fs/binfmt_misc/qemu-aarch64", "/proc/sys/fs/binfmt_misc/qemu-x86_64"]) {
        if (existsSync(file)) {
            return undefined;
        }
    }
    return "QEMU is not registered for the other architecture: run tools/setup.sh as root";
}

/** Why one of these platforms cannot be emulated here, if it cannot. */
export function missingEmulator(platforms: readonly Platform[]): string | undefined {
    const without = platforms.find(
        (platform) => !existsSync(path.join("/proc/sys/fs/binfmt_misc", architectures[platform].binfmt)),
    );
    return without && `QEMU is not registered for ${without}: run tools/setup.sh --check as root`;
}

/** Why there are no native compilers of emulated arm64 here, if there are none. */
export function missingTwins(): string | undefined {
    if (process.arch !== "x64") {
        return "the compilers that are compared are those of arm64, emulated on x86";
    }
    return existsSync(path.join(toolchains, "aarch64/twins"))
        ? undefined
        : "no toolchain of native compilers: run tools/setup.sh";
}

/** From Linux 6.7 on a user namespace has registrations of its own in binfmt_misc. */
export function hasOwnRegistrations(): boolean {
    const [major = 0, minor = 0] = release().split(".").map(Number);
    return major > 6 || (major === 6 && minor >= 7);
}

/** `describe` that skips itself, and says why, where the tests cannot run. */
export function describeUnless(reason: string | undefined): typeof describe | typeof describe.skip {
    if (reason) {
        process.stderr.write(`skipped: ${reason}\n`);
        return describe.skip;
    }
    return describe;
}

export const describeHere = describeUnless(missing());
