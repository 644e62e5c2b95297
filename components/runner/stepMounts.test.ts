import { cpSync, existsSync, rmSync } from "node:fs";
import * as path from "node:path";
import { shells, Workbench } from "../../tests/helpers/workbench";

const pts = { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["nosuid"] };
const shm = { destination: "/dev/shm", type: "tmpfs" };
const toolchains = { destination: "/dev/.native-toolchain", type: "bind", source: "/toolchains", options: ["ro"] };

describe.each(shells)("what a build step gets besides, in %s", (_name, shell) => {
    let bench: Workbench;
    beforeEach(() => {
        bench = new Workbench();
        cpSync(path.join(__dirname, "stepRuntime.sh"), bench.path("step-runtime.sh"));
        cpSync(path.join(__dirname, "stepMounts.sh"), bench.path("step-mounts.sh"));
        bench.write("bundle/config.json", JSON.stringify({ args: ['{"destination":"/dev/pts"'], mounts: [pts, shm] }));
        // A step: it tells of what is in `told`, through the pipe that it has as a mount.
        bench.stub("runc", '[ ! -e "$bench/told" ] || cat "$bench/told" >"$bench/bundle/emulated"; exit 3');
        bench.stub("buildkit-runc", 'exec runc "$@"');
    });
    afterEach(() => bench.dispose());

    const run = (...words: string[]) => bench.run([...shell, bench.path("step-runtime.sh"), ...words]);
    const runStep = () => run("run", "--bundle", bench.path("bundle"), "id");
    const mounts = () => JSON.parse(bench.read("bundle/config.json")).mounts;

    it("is nothing where no toolchain is used", async () => {
        expect(await runStep()).toEqual({ status: 3, stdout: "", stderr: "" });
        expect(mounts()).toEqual([pts, shm]);
        expect(bench.calls.at(-1)).toBe(`runc run --bundle ${bench.path("bundle")} id`);
    });

    it.each([["-b "], ["--bundle "], ["--bundle="]])(
        "is the toolchains and a pipe, of a bundle by %s",
        async (option) => {
            bench.write("toolchains.json", `${JSON.stringify(toolchains)}\n`);
            const words = ["--log", "a file", "run", ...`${option}${bench.path("bundle")}`.split(" "), "id"];
            expect(await run(...words)).toEqual({ status: 3, stdout: "", stderr: "" });
            expect(bench.calls.at(-1)).toBe(`runc ${words.join(" ")}`);
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
        },
    );

    it("is the compile cluster, alone or besides", async () => {
        const cluster = [
            { destination: "/dev/.compile-cluster", type: "bind", source: "/kit", options: ["ro"] },
            { destination: "/dev/.compile-cluster/run", type: "bind", source: "/node", options: ["ro"] },
        ];
        bench.write("cluster.json", `${cluster.map((mount) => JSON.stringify(mount)).join()}\n`);
        bench.write("told", "home cc1 (0a)\n");
        expect((await runStep()).stderr).toBe(
            "native-buildx: the compile cluster does not know cc1 (0a): compiled at home, see docs/compile-cluster.md\n",
        );
        expect(mounts().slice(0, 2)).toEqual(cluster);
        bench.write("bundle/config.json", JSON.stringify({ mounts: [pts, shm] }));
        bench.write("toolchains.json", `${JSON.stringify(toolchains)}\n`);
        expect((await runStep()).status).toBe(3);
        expect(mounts().slice(0, 3)).toEqual([toolchains, ...cluster]);
    });

    it("is what the runner remembers of sources with warnings, which steps of the compile cluster tell of", async () => {
        const name = (at: number) => at.toString(16).padStart(16, "0");
        bench.write("told", `warned ${name(1)}\n`);
        bench.write("toolchains.json", `${JSON.stringify(toolchains)}\n`);
        expect(await runStep()).toEqual({ status: 3, stdout: "", stderr: "" });
        expect(existsSync(bench.path("cluster.warned"))).toBe(false);

        const again = () => {
            bench.write("bundle/config.json", JSON.stringify({ mounts: [pts, shm] }));
            return runStep();
        };
        bench.write("cluster.json", `${JSON.stringify(toolchains)}\n`);
        bench.append("told", `warned no name\nwarned ${"g".repeat(16)}\nwarned ${name(2)} more\nwarned ${name(2)}\n`);
        expect((await again()).stderr).toBe("");
        expect(mounts()).toContainEqual({
            destination: "/dev/.compile-cluster.warned",
            type: "bind",
            source: bench.path("cluster.warned"),
            options: ["bind", "ro", "nosuid", "nodev", "noexec"],
        });
        expect(bench.read("cluster.warned")).toBe(`${name(1)}\n${name(2)}\n`);
        // However much a step tells of.
        bench.write("told", Array.from({ length: 5000 }, (_, at) => `warned ${name(at)}\n`).join(""));
        await again();
        expect(bench.read("cluster.warned").trim().split("\n")).toHaveLength(1002);
        bench.write("cluster.warned", `${name(1)}\n`.repeat(16_000));
        bench.write("told", `warned ${name(3)}\n`);
        await again();
        expect(bench.read("cluster.warned")).toBe(`${name(3)}\n`);
    });

    it("is nothing where there is no place for it: the step runs", async () => {
        bench.write("toolchains.json", `${JSON.stringify(toolchains)}\n`);
        bench.write("bundle/config.json", "{}");
        expect((await runStep()).status).toBe(3);
        expect(JSON.parse(bench.read("bundle/config.json"))).toEqual({});
        rmSync(bench.path("bundle"), { recursive: true });
        expect((await runStep()).status).toBe(3);
        expect((await run("kill", "id", "KILL")).status).toBe(3);
    });

    it("ends the step's output with the compilers that it tells of, each once, however much it writes", async () => {
        bench.write("toolchains.json", `${JSON.stringify(toolchains)}\n`);
        const noise = Array.from({ length: 5000 }, (_, at) => `${at}`.repeat(40)).join("\n");
        bench.write("told", `cc1 (0a)\nas (0b)\ncc1 (0a)\n${noise}\n`);
        const { stdout, stderr } = await runStep();
        expect(stdout).toBe("");
        expect(stderr).toMatch(
            /^native-buildx: no native compiler is known for cc1 \(0a\), as \(0b\)(, \d+){0,6}: emulated, see docs\/emulation.md\n$/,
        );
    });
});
