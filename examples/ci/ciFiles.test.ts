import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { longestSession } from "../../components/ci/ciRole";
import { readPipeline } from "../../tests/ci/pipeline";

const files = readdirSync(__dirname).filter((name) => name.endsWith(".yml"));
const onAws = files.filter((name) => /^[a-z]+(-actions|-ci)?(-split)?\.yml$/.test(name));

/** Tags of each action's repository, from the first that runs on Node 24: GitHub's runners have no older one any more. */
const versions: { [action: string]: RegExp } = {
    "actions/checkout": /^v[5-7]$/,
    "actions/upload-artifact": /^v[6-7]$/,
    "actions/download-artifact": /^v[7-8]$/,
    "aws-actions/configure-aws-credentials": /^v6$/,
    // No v4: https://github.com/sigstore/cosign-installer/issues/235
    "sigstore/cosign-installer": /^v\d+\.\d+\.\d+$/,
};

const read = (file: string) => readFileSync(path.join(__dirname, file), "utf8");

/** What the shells of a file's jobs run. */
function scriptsOf(file: string): string[] {
    const steps = readPipeline(file, () => "filled").flatMap((stage) => stage.flatMap((job) => job.steps));
    return steps.flatMap((step) => (step.kind === "run" ? step.script : []));
}

/** Steps or jobs, whichever has shell of its own, that build. */
function buildersIn(yaml: unknown): { [key: string]: unknown }[] {
    if (typeof yaml !== "object" || yaml === null) {
        return [];
    }
    const one = yaml as { [key: string]: unknown };
    const isBuilder = [one.command, one.script].flat().some((text) => String(text).includes("docker buildx build "));
    return isBuilder ? [one] : Object.values(one).flatMap(buildersIn);
}

/** Steps of a GitHub job that are this action, of any version. */
function stepsUsing(action: string, yaml: unknown): { [key: string]: unknown }[] {
    if (typeof yaml !== "object" || yaml === null) {
        return [];
    }
    const one = yaml as { [key: string]: unknown };
    const isIt = String(one.uses).startsWith(`${action}@`);
    return isIt ? [one] : Object.values(one).flatMap((below) => stepsUsing(action, below));
}

describe("the files of examples/ci", () => {
    it.each(files)("%s has shell that shellcheck passes", (file) => {
        // SC2046: references of images are words. SC2016: what is in JMESPath and JSON is no variable. SC1091: tools/env.sh
        // is in another folder.
        const words = ["--shell", "bash", "--exclude", "SC2046,SC2016,SC1091", "-"];
        for (const input of scriptsOf(file)) {
            expect(execFileSync("shellcheck", words, { input, encoding: "utf8" })).toBe("");
        }
    });

    it("ask GitHub's action for a login that lasts as long as the role allows", () => {
        const github = onAws.filter((name) => name.startsWith("github"));
        const steps = github.flatMap((file) => readPipeline(file, () => "filled").flat()).flatMap((job) => job.steps);
        const seconds = steps.flatMap((step) => (step.kind === "assumeRole" ? step.seconds : []));
        expect(new Set(seconds)).toEqual(new Set([longestSession]));
    });

    it("leave no token of GitHub's in the folder that they build", () => {
        const checkouts = files.flatMap((file) => stepsUsing("actions/checkout", parse(read(file))));
        expect(checkouts).toHaveLength(3);
        expect(checkouts.map(({ with: given }) => given)).toEqual(
            checkouts.map(() => ({ "persist-credentials": false })),
        );
    });

    it("use versions of GitHub's actions that its runners find and run", () => {
        const uses = files.flatMap((file) => [...read(file).matchAll(/uses: (\S+)@(\S+)/g)]);
        expect(uses.length).toBeGreaterThan(0);
        for (const [, action = "", version = ""] of uses) {
            expect([action, version]).toEqual([action, expect.stringMatching(versions[action] ?? /^$/)]);
        }
    });

    it.each([
        ["circleci", "no_output_timeout"],
        ["gitlab", "timeout"],
    ])("give a build as long on %s as the role gives its job", (system, limit) => {
        const ofSystem = files.filter((name) => name.startsWith(system));
        const builders = ofSystem.flatMap((file) => buildersIn(parse(read(file))));
        expect(builders).toHaveLength(ofSystem.length);
        expect(builders.map((builder) => builder[limit])).toEqual(ofSystem.map(() => `${longestSession / 3600}h`));
    });

    it("name the major version of cosign that the tests sign with: an older one finds none of its signatures", () => {
        const [, major] = /sigstore\/cosign\/v(\d+) /.exec(read("../../tests/ci/cosign/go.mod")) ?? [];
        expect(major).toBeDefined();
        for (const file of ["README.md", "buildkite.yml", "buildkite-split.yml"]) {
            expect(read(file)).toContain(`the AWS CLI and cosign ${major}`);
        }
        expect(read("README.md")).toContain(`\`cosign verify\`, with cosign ${major}`);
    });

    it("say the same in every CI system, where what they say is no system's own", () => {
        const own =
            /CIRCLE_|GITHUB_|WEB_IDENTITY|CI_|BUILDKITE_|SIGSTORE|_ID_TOKEN|buildkite-agent|ask_token|^\}$|cosign verify|certificate|RUNNER_TEMP|connect|pipefail|mktemp|\$job|ARCH=|^project=|^pipeline=|^file=|^unset AWS_|^apk|^#|^$/;
        const common = (file: string) =>
            new Set(
                scriptsOf(file)
                    .flatMap((script) => script.split("\n"))
                    .map((line) => line.trim())
                    .filter((line) => !own.test(line)),
            );
        for (const split of [false, true]) {
            const [first, ...others] = onAws.filter((name) => name.includes("-split") === split);
            expect(others).toHaveLength(3);
            for (const other of others) {
                expect([other, [...common(other)].sort()]).toEqual([other, [...common(first ?? "")].sort()]);
            }
        }
    });
});
