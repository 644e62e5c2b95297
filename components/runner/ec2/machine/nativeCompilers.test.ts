import { createHash } from "node:crypto";
import { chmodSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { shells } from "../../../../tests/helpers/workbench";
import { bootstrapSettings, RunnerBench } from "./runnerBench";

const rule = ":qemu-aarch64:M::\\x7f\\x45:\\xff\\xfe:/usr/bin/qemu-aarch64:OPF\n";

describe.each(shells)("native-compilers.sh in %s", (_name, shell) => {
    let bench: RunnerBench;
    afterEach(() => bench.dispose());

    beforeEach(() => {
        bench = new RunnerBench(shell);
        bench.stub(
            "apt-get",
            'case "$*" in *download*) : >qemu-user_1.deb ;; *update | *install*) [ ! -e "$bench/offline" ] ;; esac',
        );
        bench.stub(
            "dpkg-deb",
            `mkdir -p usr/bin usr/share/qemu/binfmt.d
            echo QEMU >usr/bin/qemu-aarch64; printf '%s' '${rule}' >usr/share/qemu/binfmt.d/qemu-aarch64.conf
            tar -cf - ./usr`,
        );
        bench.stub("gcc");
        // As makeToolchain.sh does it; the recipe puts it in its place.
        bench.stub(
            "makeToolchain.sh",
            `mkdir -p "$2/$1"; cp "$EMULATOR" "$2/$1/dispatcher"; chmod +x "$2/$1/dispatcher"
            sed 's/qemu-aarch64/NAME/; s|/usr/bin/qemu-aarch64|dispatcher|' "$RULE" >"$2/$1/rule"`,
        );
        bench.write("binfmt/register");
        bench.write("machine-id", "0123456789abcdef\n");
        const recipe = `mkdir '${bench.path("recipe")}' && cp '${bench.path("bin/makeToolchain.sh")}' '${bench.path("recipe")}'`;
        const packed = gzipSync(recipe).toString("base64");
        bench.write("parameters/native-compilers-1", packed.slice(0, 80));
        bench.write("parameters/native-compilers-2", packed.slice(80));
        bench.stubParameters();
        const emulation = {
            machines: ["aarch64"],
            recipeParameters: ["/runner/native-compilers-1", "/runner/native-compilers-2"],
            recipeSha256: createHash("sha256").update(recipe).digest("hex"),
        };
        bench.layOut(
            {
                toolchains: bench.path("toolchains"),
                toolchain_recipe: bench.path("recipe"),
            },
            { ...bootstrapSettings, emulation },
        );
        // For other folders than the machine's.
        bench.append("lib/emulation.sh", `binfmt='${bench.path("binfmt")}'\n`);
        const program = bench.read("lib/native-compilers.sh").replace("/etc/machine-id", bench.path("machine-id"));
        bench.write("lib/native-compilers.sh", program);
        chmodSync(bench.path("lib/native-compilers.sh"), 0o755);
    });

    const entry = "native-buildx-aarch64-0123456789abcdef";
    const called = (command: string) => bench.calls.filter((call) => call.startsWith(command)).length;

    it("makes toolchains from packages, once, and registers their dispatchers", async () => {
        const result = await bench.runScript("native-compilers.sh", ["make"]);
        expect(result).toMatchObject({ status: 0, stderr: "native-buildx: compilers of aarch64 run natively\n" });
        expect(bench.read("toolchains/aarch64/dispatcher")).toBe("QEMU\n");
        expect(bench.read("binfmt/register")).toBe(`:${entry}:M::\\x7f\\x45:\\xff\\xfe:dispatcher:OPF`);
        expect(JSON.parse(bench.read("lib/toolchains.json"))).toMatchObject({
            destination: "/dev/.native-toolchain",
            source: bench.path("toolchains"),
        });

        await bench.runScript("native-compilers.sh", ["make"]);
        expect([called("makeToolchain.sh"), called("dpkg-deb"), called("curl")]).toEqual([1, 1, 5]);
    });

    it("uses at a start what is there, and ends its registration and no other", async () => {
        await bench.runScript("native-compilers.sh", ["use"]);
        expect(bench.read("binfmt/register") + bench.read("lib/toolchains.json")).toBe("");

        await bench.runScript("native-compilers.sh", ["make"]);
        bench.write(`binfmt/${entry}`, "enabled\n");
        bench.write("binfmt/native-buildx-aarch64-another", "enabled\n");
        await bench.runScript("native-compilers.sh", ["leave"]);
        expect(bench.read(`binfmt/${entry}`)).toBe("-1\n");
        expect(bench.read("binfmt/native-buildx-aarch64-another")).toBe("enabled\n");
    });

    it("runs no recipe but the one that it was made with", async () => {
        bench.write("parameters/native-compilers-2", gzipSync("echo another").toString("base64"));
        expect((await bench.runScript("native-compilers.sh", ["make"])).status).toBe(0);
        expect(bench.read("console")).toContain("native-compilers-2: not what this runner was made with");
        expect(called("makeToolchain.sh")).toBe(0);
    });

    it("says why there are none, and tries again at the next start", async () => {
        bench.write("offline");
        bench.stub("gcc", "exit 1");
        bench.stub("makeToolchain.sh", "echo 'gcc makes no programs'; exit 1");
        const result = await bench.runScript("native-compilers.sh", ["make"]);
        expect(result.status).toBe(0);
        expect(bench.read("console")).toMatch(/^native-buildx: no native compilers for aarch64: gcc makes no programs/);
        expect(bench.read("lib/toolchains.json")).toBe("");
        await bench.runScript("native-compilers.sh", ["make"]);
        expect(called("makeToolchain.sh")).toBe(2);
    });
});
