import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { runPipeline } from "./jobs";
import { readPipeline } from "./pipeline";

// Buildkite's tokens live for five minutes, and two hours at most: https://buildkite.com/docs/agent/cli/reference/oidc
describe("a job of Buildkite whose build takes longer than its token lives", () => {
    let folder: string;

    beforeEach(() => {
        folder = mkdtempSync(path.join(tmpdir(), "buildkite-"));
        mkdirSync(path.join(folder, "checkout"));
    });

    afterEach(() => rmSync(folder, { recursive: true }));

    it.each([
        ["buildkite.yml", ["connect token-1", "sign token-2", "connect --done token-3"]],
        ["buildkite-split.yml", ["connect linux/amd64 token-1", "connect --done token-2"]],
    ])("%s asks for another one afterwards", async (file, expected) => {
        const log = path.join(folder, "log");
        const note = (what: string) => `echo ${what} "$(cat "$AWS_WEB_IDENTITY_TOKEN_FILE")" >>${log}`;
        writeFileSync(path.join(folder, "connect"), note('connect "$@"'));
        const count = path.join(folder, "count");
        writeFileSync(count, "");
        const system = {
            folder,
            checkout: path.join(folder, "checkout"),
            variables: { REPOSITORY_URL: "registry.example/app" },
            programs: {
                "buildkite-agent": `echo >>${count}; echo token-$(wc -l <${count})`,
                aws: `case $1 in ssm) gzip -c ${folder}/connect | base64 ;; esac`,
                docker: 'if [ $1 = login ]; then cat >/dev/null; else echo \'"containerimage.digest": "sha256:1"\' >image.json; fi',
                cosign: `if [ $1 = sign ]; then ${note("sign")}; fi`,
            },
            token: () => "",
        };
        const [[job] = []] = readPipeline(file, () => "");

        await runPipeline(system, job ? [[job]] : []);

        expect(readFileSync(log, "utf8").trim().split("\n")).toEqual(expected);
    });
});
