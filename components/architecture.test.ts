import { execFileSync } from "node:child_process";
import * as path from "node:path";
import { architectureOf, architectures, knownPlatforms, platformOfInstanceType } from "./architecture";

const checkout = path.resolve(__dirname, "..");

test("an architecture is known by each of its names, and a name is of one alone", () => {
    const names = Object.values(architectures).flatMap(({ suffix, aliases }) => [suffix, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
    expect(architectureOf("aarch64")).toBe(architectures["linux/arm64"]);
    expect(architectureOf("amd64")).toBe(architectures["linux/amd64"]);
    expect(architectureOf("s390x")).toBeUndefined();
});

test("every default instance type is of its own platform", () => {
    for (const { platform, ec2 } of Object.values(architectures)) {
        expect(platformOfInstanceType(ec2.instanceType)).toBe(platform);
    }
    expect(knownPlatforms.filter((platform) => !architectures[platform].ec2.types)).toHaveLength(1);
});

test("tools/setup.sh registers the emulators of the table, but for this machine's own", () => {
    const script = `eval "$(sed -n '/^emulators() {.*}$/p' tools/setup.sh)"; emulators`;
    const found = execFileSync("sh", ["-euc", script], { cwd: checkout, encoding: "utf8" }).split("\n");
    const foreign = Object.values(architectures).filter(({ nodeArch }) => nodeArch !== process.arch);
    expect(found.filter(Boolean).map((name) => `qemu-${name}`)).toEqual(foreign.map(({ binfmt }) => binfmt));
});
