import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { toolchains } from "../../../tests/helpers/checkout";
import { describeUnless, missing } from "../../../tests/helpers/needs";
import { stepBinary } from "../../../tests/helpers/stepImage";
import { temporaryFolder } from "../../../tests/helpers/temporaryFolder";

/** As tools/setup.sh made it, for programs of the other architecture. */
const toolchain = path.join(toolchains, "aarch64");
const interpreter = "qemu-binfmt-P";

function notHere(): string | undefined {
    const made = process.arch === "x64" && existsSync(path.join(toolchain, interpreter));
    return made ? undefined : "no dispatcher for arm64: run tools/setup.sh";
}

// What happens in a build step is told by tests/e2e/emulation.test.ts: here is what a step cannot do.
describeUnless(missing() ?? notHere())("QEMU with its front, called as the kernel calls it", () => {
    let folder: string;

    beforeAll(() => {
        folder = temporaryFolder();
        chmodSync(folder, 0o755);
        for (const name of ["program", "cc1", "readable-as", "unreadable-as", "x-g++-12", "gcc-ar-12"]) {
            copyFileSync(stepBinary("arm64"), path.join(folder, name));
        }
        chmodSync(path.join(folder, "unreadable-as"), 0o711);
        for (const name of [interpreter, `privileged-${interpreter}`]) {
            copyFileSync(path.join(toolchain, interpreter), path.join(folder, name));
        }
        chmodSync(path.join(folder, `privileged-${interpreter}`), 0o4755);
        writeFileSync(path.join(folder, "dispatcher"), '#!/bin/sh\necho "dispatcher $*"\n', { mode: 0o755 });
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    /** As nobody, in a mount namespace whose /dev is its own. */
    function run(file: string, program: string, { mounted }: { mounted: boolean }) {
        const script = [
            "mount -t tmpfs tmpfs /dev",
            mounted
                ? 'mkdir -p /dev/.native-toolchain/aarch64 && cp "$0/dispatcher" /dev/.native-toolchain/aarch64/'
                : ":",
            'cd "$0" && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"',
        ].join(" && ");
        const words = [path.join(folder, file), `./${program}`, "a name", "print", "hello", "1"];
        return spawnSync("unshare", ["--mount", "sh", "-c", script, folder, ...words], { encoding: "utf8" }).stdout;
    }

    it.each([
        ["runs a program itself", interpreter, "program", "hello"],
        ["leaves a compiler to the dispatcher", interpreter, "cc1", "dispatcher ./cc1 a name print hello 1\n"],
        [
            "leaves an assembler to the dispatcher",
            interpreter,
            "readable-as",
            "dispatcher ./readable-as a name print hello 1\n",
        ],
        ["leaves what calls a compiler to it", interpreter, "x-g++-12", "dispatcher ./x-g++-12 a name print hello 1\n"],
        ["runs itself what is only called alike", interpreter, "gcc-ar-12", "hello"],
        ["runs a compiler itself that it cannot read, which fails", interpreter, "unreadable-as", ""],
        [
            "believes no dispatcher where it has more rights than its caller",
            `privileged-${interpreter}`,
            "cc1",
            "hello",
        ],
    ])("%s", (_, file, program, said) => {
        expect(run(file, program, { mounted: true })).toBe(said);
    });

    it("runs a compiler itself where no toolchain is mounted", () => {
        expect(run(interpreter, "cc1", { mounted: false })).toBe("hello");
    });

    it("is QEMU in everything else", () => {
        const version = (file: string) => execFileSync(file, ["--version"], { encoding: "utf8" });
        // A name without -P: a word is an option again.
        const named = path.join(folder, "qemu");
        copyFileSync(path.join(toolchain, interpreter), named);
        expect(version(named).split("\n")[0]).toBe(version(path.join(toolchain, "emulator")).split("\n")[0]);
    });
});

describeUnless(notHere())("the dispatcher", () => {
    it("says what it is to who calls it by hand", () => {
        const { status, stderr } = spawnSync(path.join(toolchain, "dispatcher"), [], { encoding: "utf8" });
        expect([status, stderr]).toEqual([127, expect.stringContaining("interpreter of binfmt_misc only")]);
    });
});
