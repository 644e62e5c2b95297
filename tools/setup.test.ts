import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";

const checkout = path.resolve(__dirname, "..");
/** All that setup.sh runs until it knows what is missing. */
const utilities = "awk cat cksum dirname find grep head id mkdir rm sed sh sort tail tr uname".split(" ");

describe("setup.sh", () => {
    let folder: string;
    beforeEach(() => {
        folder = temporaryFolder();
        for (const file of ["tools/setup.sh", "tools/env.sh", "tools/go.mod", "tools/go.sum", "Pulumi.yaml"]) {
            cpSync(path.join(checkout, file), path.join(folder, file));
        }
        cpSync(path.join(checkout, "components/architecture.ts"), path.join(folder, "components/architecture.ts"));
        mkdirSync(path.join(folder, "bin"));
        for (const utility of utilities) {
            const found = ["/usr/bin", "/bin"].map((bin) => path.join(bin, utility)).find((file) => existsSync(file));
            symlinkSync(found as string, path.join(folder, "bin", utility));
        }
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    /** A program that says so. */
    function program(name: string, ...lines: string[]) {
        const file = path.join(folder, "bin", name);
        writeFileSync(file, ["#!/bin/sh", ...lines, ""].join("\n"));
        chmodSync(file, 0o755);
    }
    function setUp(...words: string[]) {
        const env = { HOME: folder, PATH: path.join(folder, "bin") };
        const script = path.join(folder, "tools/setup.sh");
        const { status, stderr } = spawnSync("/bin/sh", [script, ...words], { encoding: "utf8", env });
        return { status, stderr };
    }

    it("asks first, and for all at once, for what it does not install", () => {
        program("apt-get", "echo apt-get was called >&2");
        expect(setUp()).toEqual({
            status: 1,
            stderr: [
                "setup: please install, and run this again:",
                "Node 20 or newer: https://nodejs.org/",
                "npm, which comes with Node, or: apt-get install npm",
                "Go 1.26 or newer, to build the tools once: https://go.dev/doc/install",
                "",
            ].join("\n"),
        });
    });

    it("names the version of Go that cannot read what the tools are built from", () => {
        program("node", "echo v20.0.0");
        program("npm");
        program(
            "go",
            'case "$*" in "env GOVERSION") echo go1.19.8; exit ;; esac',
            "echo 'go: errors parsing go.mod:' >&2",
            "echo \"go.mod:3: invalid go version '1.26.0': must match format 1.23\" >&2",
            "exit 1",
        );
        expect(setUp()).toEqual({
            status: 1,
            stderr: [
                "setup: please install, and run this again:",
                "Go 1.26 or newer, to build the tools once: https://go.dev/doc/install",
                "    (go1.19.8 says: go.mod:3: invalid go version '1.26.0': must match format 1.23)",
                "",
            ].join("\n"),
        });
    });

    it("builds no tools where new enough ones are on PATH, but all of them for tests", () => {
        const versions = {
            pulumi: "3.230.0",
            buildx: "0.31.0",
            buildkitd: "0.27.0",
            buildctl: "0.27.0",
            registry: "3.0.0",
        };
        for (const [tool, version] of Object.entries({ ...versions, crane: "0.20.3" })) {
            program(tool, `echo ${tool} v${version}`);
        }
        const go = "Go 1.26 or newer, to build the tools once: https://go.dev/doc/install\n";
        expect(setUp().stderr).not.toContain(go);
        expect(setUp("--check").stderr).toContain(go);
        program("pulumi", "echo v3.1.0");
        expect(setUp().stderr).toContain(go);
    });

    it.each(["v18.20.4", "v9.11.2"])("asks for another Node than %s", (version) => {
        program("node", `echo ${version}`);
        program("npm");
        program("go");
        expect(setUp().stderr).toBe(
            "setup: please install, and run this again:\nNode 20 or newer: https://nodejs.org/\n",
        );
    });
});
