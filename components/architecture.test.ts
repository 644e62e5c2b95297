import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";
import {
    architectureOf,
    architectures,
    defaultPlatforms,
    ec2MachinesOf,
    machinePlatforms,
    type Platform,
    platformOfInstanceType,
} from "./architecture";

test("an architecture is known by each of its names, and a name is of one alone", () => {
    const names = Object.values(architectures).flatMap(({ suffix, aliases }) => [suffix, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
    expect(architectureOf("aarch64")).toBe(architectures["linux/arm64"]);
    expect(architectureOf("amd64")).toBe(architectures["linux/amd64"]);
    expect(architectureOf("arm")).toBe(architectures["linux/arm/v7"]);
    expect(architectureOf("s390x")).toBeUndefined();
});

test("every default instance type is of its own platform", () => {
    for (const platform of machinePlatforms) {
        expect(platformOfInstanceType(ec2MachinesOf(platform).instanceType)).toBe(platform);
    }
    expect(machinePlatforms.filter((platform) => !ec2MachinesOf(platform).types)).toHaveLength(1);
});

test("EC2 is asked for machines of its own architectures only, those of any stack among them", () => {
    expect(machinePlatforms).toEqual(["linux/amd64", "linux/arm64"]);
    expect(machinePlatforms).toEqual(expect.arrayContaining(defaultPlatforms));
    expect(() => ec2MachinesOf("linux/riscv64")).toThrow("EC2 has no machines of linux/riscv64");
});

describe("tools/setup.sh registers emulators", () => {
    /** In a project of one stack, on a machine of this name; one of 64 bits runs programs of 32 bits, or does not. */
    function emulators(machine: string, stack: string, { checks = "", runs32Bit = false } = {}): string[] {
        const folder = temporaryFolder();
        mkdirSync(path.join(folder, "components"));
        copyFileSync(path.join(__dirname, "architecture.ts"), path.join(folder, "components/architecture.ts"));
        writeFileSync(path.join(folder, "Pulumi.some.yaml"), stack);
        const bin = path.join(folder, "bin");
        mkdirSync(bin);
        for (const [name, body] of [
            ["uname", `echo ${machine}`],
            ["setarch", `exit ${runs32Bit ? 0 : 1}`],
        ]) {
            writeFileSync(path.join(bin, name as string), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
        }
        const setup = path.join(__dirname, "../tools/setup.sh");
        const script = `checks=${checks}; eval "$(sed -n '/^emulators() {$/,/^}$/p' ${setup})"; emulators`;
        const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
        const found = execFileSync("sh", ["-euc", script], { cwd: folder, env, encoding: "utf8" });
        rmSync(folder, { recursive: true });
        return found.split("\n").filter(Boolean);
    }
    const named = (...platforms: Platform[]) => `config:\n  native-buildx:platforms: [${platforms.join(", ")}]\n`;

    it.each([
        ["those of the default platforms", "x86_64", "", {}, ["aarch64"]],
        ["and not of the machine's own", "aarch64", "", {}, ["x86_64"]],
        ["and of what a stack names", "x86_64", named("linux/arm/v7"), {}, ["aarch64", "arm"]],
        ["also of another architecture", "x86_64", named("linux/riscv64"), {}, ["aarch64", "riscv64"]],
        ["also of 32 bits", "aarch64", named("linux/arm/v7"), {}, ["x86_64", "arm"]],
        ["unless the machine runs them itself", "aarch64", named("linux/arm/v7"), { runs32Bit: true }, ["x86_64"]],
        [
            "which is not said of another machine",
            "x86_64",
            named("linux/arm/v7"),
            { runs32Bit: true },
            ["aarch64", "arm"],
        ],
    ])("%s", (_what, machine, stack, options, expected) => {
        expect(emulators(machine, stack, options)).toEqual(expected);
    });

    it("of every row, by the names that they have in the kernel", () => {
        const all = Object.values(architectures).map(({ binfmt }) => binfmt);
        expect(emulators("mips", "", { checks: "--check" }).map((name) => `qemu-${name}`)).toEqual(all);
    });
});
