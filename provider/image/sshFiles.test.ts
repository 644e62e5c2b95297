import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { refuseMissingSshFiles } from "./sshFiles";

let project: string;
beforeAll(() => {
    project = temporaryFolder();
    mkdirSync(path.join(project, "keys"));
    writeFileSync(path.join(project, "keys/deploy"), "");
});
afterAll(() => rmSync(project, { recursive: true }));

test("an agent, and keys that are there, by their paths from the project", () => {
    const ssh = ["default", "other", "deploy=keys/deploy", "empty="];
    const files = [`both=${project}/keys/deploy,keys/deploy`, "device=/dev/null"];
    expect(() => refuseMissingSshFiles([...ssh, ...files], project)).not.toThrow();
});

test.each([
    [["k=/nope/id_rsa"], ["/nope/id_rsa"]],
    [["k=keys/deploy,keys/no"], ["keys/no"]],
    [["k=keys"], ["keys"]],
    [
        ["a=no", "default", "b=nor"],
        ["no", "nor"],
    ],
])("%j: each file that is not there is told", (ssh, files) => {
    const told = files.map((file) => {
        const agent = ssh.find((one) => one.endsWith(file));
        return `ssh: "${agent}": key or socket ${file} does not exist; put it there or correct the path`;
    });
    expect(() => refuseMissingSshFiles(ssh, project)).toThrow(new Error(told.join("\n")));
});
