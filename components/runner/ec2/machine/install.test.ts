import { createHash } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { shells } from "../../../../tests/helpers/workbench";
import { RunnerBench } from "./runnerBench";

describe.each(shells)("install.sh in %s", (_name, shell) => {
    let bench: RunnerBench;
    afterEach(() => bench.dispose());

    let sha256 = "";
    beforeEach(async () => {
        bench = new RunnerBench(shell);
        bench.write("archive/bin/buildkitd", "a daemon\n");
        bench.write("prefix/.keep", "");
        await bench.run(["tar", "-C", bench.path("archive"), "-czf", bench.path("archive.tar.gz"), "bin"]);
        sha256 = createHash("sha256")
            .update(readFileSync(bench.path("archive.tar.gz")))
            .digest("hex");
        for (const tool of ["iptables", "git", "mkfs.ext4", "blkid", "ss"]) {
            bench.stub(tool);
        }
        bench.stub("apt-get");
        bench.stub(
            "curl",
            'for last; do :; done; while [ $# -gt 1 ]; do [ "$1" != -o ] || out=$2; shift; done; cp "$bench/archive.tar.gz" "$out"',
        );
    });

    it("unpacks BuildKit once its checksum is right", async () => {
        bench.layOut({ buildkit_sha256: sha256 });
        const result = await bench.runScript("install.sh");
        expect(result.stderr).toContain("BuildKit installed");
        expect(bench.read("prefix/bin/buildkitd")).toBe("a daemon\n");
        expect(readdirSync(bench.path("cni"))).toEqual(["bridge", "firewall", "host-local", "loopback"]);
        expect(readlinkSync(bench.path("cni/bridge"))).toBe(bench.path("prefix/bin/buildkit-cni-bridge"));
        expect(statSync(bench.path("installed")).isFile()).toBe(true);
        expect(bench.calls.filter((call) => call.startsWith("apt-get"))).toEqual([]);
    });

    it("refuses any other archive, and says so on the console", async () => {
        bench.layOut();
        const result = await bench.runScript("install.sh");
        expect(result.status).toBe(1);
        expect(bench.read("console")).toContain(`has SHA-256 ${sha256}, not ${"a".repeat(64)} as configured: refused`);
        expect(bench.read("prefix/bin/buildkitd")).toBe("");
        expect(readdirSync(bench.folder)).not.toContain("installed");
    });

    it("says which address it cannot download from", async () => {
        bench.layOut();
        bench.stub("curl", "exit 6");
        const result = await bench.runScript("install.sh");
        expect(result.status).toBe(1);
        expect(bench.read("console")).toContain("could not download BuildKit from https://mirror.example.com/");
    });
});
