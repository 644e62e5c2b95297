import { exampleHint } from "./exampleHint";

const missing = (folder: string) => exampleHint(`folder ${folder} does not exist; create it or correct the path`);

test.each([
    ["examples/encoder/base/arm64", ", or make the example's inputs: examples/encoder/prepare.sh"],
    [
        "examples/encoder/base/riscv64",
        "; the example is not made for linux/riscv64: give its images platforms: [linux/amd64, linux/arm64]",
    ],
    [
        "examples/encoder/base/arm-v7",
        "; the example is not made for linux/arm/v7: give its images platforms: [linux/amd64, linux/arm64]",
    ],
    ["app", ""],
])("a missing folder of the example is told with what makes it, or leaves it out: %s", (folder, hint) => {
    expect(missing(folder)).toBe(hint);
});
