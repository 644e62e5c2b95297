import { chmodSync, cpSync } from "node:fs";
import * as path from "node:path";
import { shells, Workbench } from "../../../tests/helpers/workbench";

const pts = { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["nosuid"] };
const shm = { destination: "/dev/shm", type: "tmpfs" };
const toolchains = { destination: "/dev/.native-toolchain", type: "bind", source: "/toolchains", options: ["ro"] };

describe.each(shells)("what a build step gets besides, in %s", (_name, shell) => {
    let bench: Workbench;
    beforeEach(() => {
        bench = new Workbench();
        cpSync(path.join(__dirname, "../stepRuntime.sh"), bench.path("step-runtime.sh"));
        cpSync(path.join(__dirname, "mountToolchains.sh"), bench.path("mount-toolchains.sh"));
        bench.write("bundle/config.json", JSON.stringify({ args: ['{"destination":"/dev/pts"'], mounts: [pts, shm] }));
        // A step: it tells of what is in `told`, through the pipe that it has as a mount.
        bench.stub("runc", '[ ! -e "$bench/told" ] || cat "$bench/told" >"$bench/bundle/emulated"; exit 3');
        bench.stub("buildkit-runc", 'exec runc "$@"');
        for (const name of ["bin/runc", "bin/buildkit-runc"]) {
            chmodSync(bench.path(name), 0o755);
        }
    });
    afterEach(() => bench.dispose());

    const run = () => bench.run([...shell, bench.path("step-runtime.sh"), "run", "--bundle", bench.path("bundle"), "id"]);
    const mounts = () => JSON.parse(bench.read("bundle/config.json")).mounts;

    it("is nothing where no toolchain is used", async () => {
        expect(await run()).toEqual({ status: 3, stdout: "", stderr: "" });
        expect(mounts()).toEqual([pts, shm]);
        expect(bench.calls.at(-1)).toBe(`runc run --bundle ${bench.path("bundle")} id`);
    });

    it("is the toolchains and a pipe, both below /dev and before its folders", async () => {
        bench.write("toolchains.json", `${JSON.stringify(toolchains)}\n`);
        expect(await run()).toEqual({ status: 3, stdout: "", stderr: "" });
        expect(mounts()).toEqual([
            toolchains,
            {
                destination: "/dev/.native-toolchain.emulated",
                type: "bind",
                source: bench.path("bundle/emulated"),
                options: ["bind", "nosuid", "nodev", "noexec"],
            },
            pts,
            shm,
        ]);
    });

    it("ends the step's output with the compilers that it tells of, each once, however much it writes", async () => {
        bench.write("toolchains.json", `${JSON.stringify(toolchains)}\n`);
        const noise = Array.from({ length: 5000 }, (_, at) => `${at}`.repeat(40)).join("\n");
        bench.write("told", `cc1 (0a)\nas (0b)\ncc1 (0a)\n${noise}\n`);
        const { stdout, stderr } = await run();
        expect(stdout).toBe("");
        expect(stderr).toMatch(
            /^native-buildx: no native compiler is known for cc1 \(0a\), as \(0b\)(, \d+){0,6}: emulated, see docs\/emulation.md\n$/,
        );
    });
});
