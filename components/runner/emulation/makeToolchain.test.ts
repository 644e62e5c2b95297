import * as path from "node:path";
import { shells, Workbench } from "../../../tests/helpers/workbench";

const script = path.join(__dirname, "makeToolchain.sh");

describe.each(shells)("a toolchain that cannot be made, in %s", (_name, shell) => {
    let bench: Workbench;
    beforeEach(() => {
        bench = new Workbench();
        bench.write("emulator");
        bench.stub("apt-get", "exit 100");
    });
    afterEach(() => bench.dispose());

    const make = (machine: string, env: { [name: string]: string }) =>
        bench.run([...shell, script, machine, bench.path("toolchains")], { env });
    const nothing = { status: 0, stdout: "", stderr: "" };

    it("is nothing to speak of where no compiler of the machine is known", async () => {
        expect(await make("mips", {})).toEqual(nothing);
    });

    it("is told once, with its reason, and again where that is another", async () => {
        const noEmulator = { EMULATOR: bench.path("none") };
        expect((await make("aarch64", noEmulator)).stderr).toBe(
            "toolchain for aarch64: no QEMU is registered: nothing to speed up\n",
        );
        expect(await make("aarch64", noEmulator)).toEqual(nothing);

        const noPackages = { EMULATOR: bench.path("emulator") };
        expect((await make("aarch64", noPackages)).stderr).toMatch(/no package of its compilers could be had/);
        const asked = bench.calls.length;
        expect(asked).toBeGreaterThan(0);
        expect(await make("aarch64", noPackages)).toEqual(nothing);
        // Not before a day is over.
        expect(bench.calls).toHaveLength(asked);
    });
});
