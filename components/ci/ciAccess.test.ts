import { readFileSync } from "node:fs";
import * as path from "node:path";
import { ciMistakes } from "./ciAccess";
import { checkedTrust } from "./trust";

const nothing = { readsFrom: [], images: {} };

describe("a stack on this machine", () => {
    it("lets no CI job take a role", () => {
        const named = checkedTrust({
            githubRepositories: ["acme/app"],
            trustedPrincipalArns: ["arn:aws:iam::123456789012:role/jenkins"],
        });
        expect(ciMistakes({ ...named, ...nothing }, true)).toEqual([
            expect.stringMatching(/^githubRepositories: lets CI jobs .* remove the setting\./),
            expect.stringMatching(/^trustedPrincipalArns: lets CI jobs .* remove the setting\./),
        ]);
        expect(ciMistakes({ ...checkedTrust({}), ...nothing }, true)).toEqual([]);
    });
});

describe("a stack that reads from another", () => {
    const github = checkedTrust({ githubRepositories: ["acme/app:pull_request"] });
    const images = { app: { context: "app" } };

    it("declares no images where CI is let in: `up` would show its login to runners that strangers use", () => {
        expect(ciMistakes({ ...github, readsFrom: ["prod"], images }, false)).toEqual([
            expect.stringMatching(/^images: with readsFrom, jobs that are not trusted .* remove the images here/),
        ]);
    });

    it.each([
        ["has none", { ...github, readsFrom: ["prod"], images: {} }],
        ["reads from nobody", { ...github, readsFrom: [], images }],
        ["lets nobody in", { ...github, githubRepositories: [], readsFrom: ["prod"], images }],
    ])("is right where it %s", (_what, settings) => {
        expect(ciMistakes(settings, false)).toEqual([]);
    });

    it("is shown in docs/ci.md as Pulumi.prod-pr.yaml has it, in ten lines", () => {
        const read = (file: string) => readFileSync(path.resolve(__dirname, "../..", file), "utf8");
        const [, settings = ""] = /^(config:\n.*)$/ms.exec(read("Pulumi.prod-pr.yaml")) ?? [];
        expect(settings.split("\n").length).toBeLessThanOrEqual(10);
        expect(read("docs/ci.md")).toContain(`\`\`\`yaml\n${settings}\`\`\``);
    });
});
