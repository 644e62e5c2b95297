import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import * as path from "node:path";
import { checkout } from "../../../tests/helpers/checkout";
import { describeUnless } from "../../../tests/helpers/needs";
import { temporaryFolder } from "../../../tests/helpers/temporaryFolder";

const compiler = "aarch64-linux-gnu-gcc";

function notHere(): string | undefined {
    if (process.arch !== "x64" || !existsSync("/proc/sys/fs/binfmt_misc/qemu-aarch64")) {
        return "no programs of arm64 are emulated here";
    }
    return spawnSync(compiler, ["--version"]).status === 0 ? undefined : `no ${compiler}: run tools/setup.sh --check`;
}

// The programs of an ARM machine that emulates x86 run here by QEMU.
describeUnless(notHere())("the toolchain of an ARM machine", () => {
    let folder: string;
    const at = (name: string) => path.join(folder, name);

    beforeAll(() => {
        folder = temporaryFolder();
        const emulator = "int main(int count, char **words) { return count == 4 && words[3][0] == 'x' ? 42 : 1; }";
        execFileSync(compiler, ["-static", "-x", "c", "-o", at("qemu"), "-"], { input: emulator });
        execFileSync("sh", [path.join(__dirname, "makeDispatcher.sh"), at("qemu"), "x86_64", "62", folder], {
            env: { ...process.env, CC: compiler },
        });
        const source = path.join(checkout, "tools/twins/identify.c");
        execFileSync(compiler, ["-static", "-DMACHINE=62", "-I", __dirname, "-o", at("identify"), source]);
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it("has a front that leads to QEMU, with its arguments as they were", () => {
        expect(spawnSync(at("qemu-binfmt-P"), ["/usr/bin/true", "true", "x"]).status).toBe(42);
        expect(spawnSync(at("qemu-binfmt-P"), ["/usr/bin/true", "true", "y"]).status).toBe(1);
    });

    it("knows programs of x86, and no others", () => {
        const identify = (file: string) => spawnSync(at("identify"), [file], { encoding: "utf8" });
        expect(identify(process.execPath).stdout).toMatch(/^[0-9a-f]{16,}\/[0-9a-f]{16}$/m);
        expect(identify(at("dispatcher")).stderr).toContain("no program of machine 62");
    });
});
