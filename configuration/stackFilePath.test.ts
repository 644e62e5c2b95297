import { rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";
import { stackFilePath } from "./stackFilePath";

const project = temporaryFolder();
afterAll(() => rmSync(project, { recursive: true }));

test.each([
    ["beside Pulumi.yaml", "Pulumi.yaml", "name: x\nconfig:\n  a: b\n", "Pulumi.dev.yaml"],
    ["in a folder", "Pulumi.yaml", "name: x\nstackConfigDir: stacks/all # here\n", "stacks/all/Pulumi.dev.yaml"],
    ["in a folder below the project's", "Pulumi.yaml", "stackConfigDir: /stacks", "stacks/Pulumi.dev.yaml"],
    ["in a folder above it", "Pulumi.yaml", "stackConfigDir: '../stacks'", "../stacks/Pulumi.dev.yaml"],
    ["in a folder, by the old name", "Pulumi.yaml", "name: x\nconfig: stacks\n", "stacks/Pulumi.dev.yaml"],
    ["beside what no folder is named in", "Pulumi.yaml", "stackConfigDir:\nconfig: {}\n", "Pulumi.dev.yaml"],
    ["with another ending", "Pulumi.yml", "name: x", "Pulumi.dev.yml"],
    ["in JSON", "Pulumi.json", '{\n  "name": "x",\n  "config": "stacks" }', "stacks/Pulumi.dev.json"],
])("a stack's file is %s", (_where, name, text, expected) => {
    const file = path.join(project, name);
    writeFileSync(file, text);
    expect(stackFilePath(project, "dev")).toBe(expected);
    rmSync(file);
});

test("without a project's file a stack's file is where it would be beside Pulumi.yaml", () => {
    expect(stackFilePath(project, "dev")).toBe("Pulumi.dev.yaml");
});
