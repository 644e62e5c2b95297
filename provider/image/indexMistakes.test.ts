import type { IndexEntry } from "../buildx/buildx";
import { indexMistakes } from "./indexMistakes";

const both = ["linux/amd64", "linux/arm64"];
/** Each platform's manifest; its digest says which. */
const manifests = (...platforms: string[]): IndexEntry[] =>
    platforms.map((name, at) => {
        const [os = "", architecture = ""] = name.split("/");
        return { digest: `sha256:${name} ${at}`, platform: { os, architecture } };
    });
const digests = (found: IndexEntry[]) => found.map(({ digest }) => digest);

describe("an index that was read back", () => {
    it.each<[string, IndexEntry[], string[]]>([
        ["is right", manifests("linux/amd64", "linux/arm64"), []],
        ["is right in any order", manifests("linux/arm64", "linux/amd64"), []],
        ["may have attestations", manifests(...both, "unknown/unknown", "unknown/unknown"), []],
        ["lacks one", manifests("linux/amd64"), ["lacks linux/arm64"]],
        ["has one besides", manifests(...both, "linux/riscv64"), ["has linux/riscv64 besides"]],
        ["has one twice", manifests(...both, "linux/arm64"), ["has linux/arm64 more than once"]],
        [
            "has another in place of one",
            manifests("linux/amd64", "windows/amd64"),
            ["lacks linux/arm64", "has windows/amd64 besides"],
        ],
        ["has a manifest without a platform", [...manifests(...both), { digest: "sha256:x" }], ["has none besides"]],
        ["is empty", [], ["lacks linux/amd64", "lacks linux/arm64"]],
        ["has nothing but attestations", manifests("unknown/unknown"), ["lacks linux/amd64", "lacks linux/arm64"]],
    ])("%s", (_what, found, mistakes) => {
        expect(indexMistakes(found, both, digests(found))).toEqual(mistakes);
    });

    it("takes arm64's v8 for arm64, and tells other variants", () => {
        const found = manifests("linux/arm64", "linux/arm").map((manifest) => ({
            ...manifest,
            platform: { os: "linux", architecture: "", ...manifest.platform, variant: "v8" },
        }));
        expect(indexMistakes(found, ["linux/arm64", "linux/arm/v8"], digests(found))).toEqual([]);
    });

    it.each([undefined, "v7"])("takes 32-bit ARM for its variant 7, with %s said", (variant) => {
        const found = manifests("linux/arm").map((manifest) => ({
            ...manifest,
            platform: { os: "linux", architecture: "arm", ...(variant ? { variant } : {}) },
        }));
        expect(indexMistakes(found, ["linux/arm/v7"], digests(found))).toEqual([]);
    });

    it("has exactly the children that were built", () => {
        const found = manifests(...both);
        expect(indexMistakes(found, both, [digests(found)[0] as string, "sha256:other"])).toEqual([
            "lacks sha256:other",
            "has sha256:linux/arm64 1, which was not built",
        ]);
    });
});
