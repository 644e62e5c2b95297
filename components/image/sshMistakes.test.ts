import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { sshMistakes } from "./sshMistakes";

let project: string;
beforeAll(() => {
    project = temporaryFolder();
    mkdirSync(path.join(project, "keys"));
    writeFileSync(path.join(project, "keys/deploy"), "");
});
afterAll(() => rmSync(project, { recursive: true }));

test("an agent, and keys that are there, by their paths from the project", () => {
    const ssh = ["default", "other", "deploy=keys/deploy", "empty="];
    expect(sshMistakes([...ssh, `both=${project}/keys/deploy,keys/deploy`, "device=/dev/null"], project)).toEqual([]);
});

test.each([
    ["k=/nope/id_rsa", '"k=/nope/id_rsa": key or socket /nope/id_rsa does not exist; correct the path'],
    ["k=keys/deploy,keys/no", '"k=keys/deploy,keys/no": key or socket keys/no does not exist; correct the path'],
    ["k=keys", '"k=keys": key or socket keys does not exist; correct the path'],
    ["k=~/no", '"k=~/no": key or socket ~/no does not exist; write the whole path, buildx knows no ~'],
])("%s", (agent, mistake) => {
    expect(sshMistakes([agent], project)).toEqual([mistake]);
});
