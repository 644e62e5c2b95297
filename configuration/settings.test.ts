import fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { knownPlatforms } from "../components/architecture";
import { runnerKinds } from "../components/runner/kinds";
import { throwMistakes } from "../components/settings/mistakes";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";
import { checkedSettings, type RawSettings } from "./readSettings";

const right: RawSettings = {
    runners: "local",
    platforms: ["linux/amd64", "linux/arm64"],
    images: {},
    buildSecrets: {},
    idleMinutes: 15,
    cacheGigabytes: 30,
    localPort: 7443,
    registryHost: "registry.native-buildx.internal",
};
const [kinds, platforms] = [Object.keys(runnerKinds).join(", "), knownPlatforms.join(", ")];
/** There is a port for the registry and the most runners of each platform. */
const lastPort = 65_535 - 9 * knownPlatforms.length;
const mistakesWith = (changes: Partial<RawSettings>) => checkedSettings({ ...right, ...changes }, __dirname).mistakes;

describe("settings", () => {
    it.each<[string, Partial<RawSettings>]>([
        ["as Pulumi.yaml has them", {}],
        ["left out", Object.fromEntries(Object.keys(right).map((setting) => [setting, undefined]))],
        ["EC2 runners", { runners: "ec2" }],
        [
            "numbers as texts, as Pulumi hands them over",
            { idleMinutes: "10", localPort: "7443", buildsPerRunner: "64" },
        ],
        ["booleans as texts", { forceDelete: "true", usePrivateAddress: "false" }],
        ["one platform", { platforms: ["linux/arm64"] }],
        ["never idle", { idleMinutes: 0 }],
        ["the least", { cacheGigabytes: 1, localPort: 1024 }],
        [
            "the most",
            {
                idleMinutes: 10080,
                cacheGigabytes: 16000,
                localPort: lastPort,
            },
        ],
    ])("are right: %s", (_what, changes) => {
        expect(mistakesWith(changes)).toEqual([]);
    });

    it.each<[string, Partial<RawSettings>, string[]]>([
        ["a runner type that does not exist", { runners: "gcp" }, [`runners: there is no "gcp"; use one of: ${kinds}`]],
        [
            "an unknown platform",
            { platforms: ["linux/amd64", "linux/mips"] },
            [`platforms: unknown platform "linux/mips"; use: ${platforms}`],
        ],
        [
            "an architecture in place of a platform",
            { platforms: ["arm64"] },
            [`platforms: unknown platform "arm64"; use: ${platforms}`],
        ],
        [
            "a platform twice",
            { platforms: ["linux/arm64", "linux/amd64", "linux/arm64", "linux/arm64"] },
            ['platforms: "linux/arm64" is there twice; take one out'],
        ],
        ["no platform", { platforms: [] }, [`platforms: must be a list of at least one of: ${platforms}`]],
        [
            "platforms that are no list",
            { platforms: "linux/arm64" },
            [`platforms: must be a list of at least one of: ${platforms}, not "linux/arm64"`],
        ],
        [
            "negative idleMinutes",
            { idleMinutes: -1 },
            ["idleMinutes: must be a number of minutes from 0 to 10080, not -1"],
        ],
        [
            "eight days",
            { idleMinutes: 11_520 },
            ["idleMinutes: must be a number of minutes from 0 to 10080, not 11520"],
        ],
        [
            "mirrors that are none, all told",
            { registryMirrors: { Hub: ["a"], "docker.io": ["ftp://a"] } },
            [
                'registryMirrors: "Hub" is not the host of a registry; write it as in docker.io or registry.example:5000',
                expect.stringMatching(
                    /^registryMirrors: "docker\.io": "ftp:\/\/a" is not the address of a mirror; write/,
                ),
            ],
        ],
        [
            "a mirror that is no list",
            { registryMirrors: { "docker.io": "mirror.example" } },
            ['registryMirrors["docker.io"]: must be a list of mirrors, not "mirror.example"'],
        ],
        ["no cache", { cacheGigabytes: 0 }, ["cacheGigabytes: must be a whole number from 1 to 16000, not 0"]],
        ...[443, lastPort + 1, "http"].map((localPort): [string, Partial<RawSettings>, string[]] => [
            `${localPort} as a port`,
            { localPort },
            [`localPort: must be a whole number from 1024 to ${lastPort}, not ${JSON.stringify(localPort)}`],
        ]),
        [
            "a mistake in an image",
            { images: { app: { context: "gone" } } },
            ["images.app.context: folder gone does not exist; create it or correct the path"],
        ],
    ])("are wrong: %s", (_what, changes, mistakes) => {
        expect(mistakesWith(changes)).toEqual(mistakes);
    });

    it("tell all mistakes together", () => {
        const mistakes = mistakesWith({
            runners: "gcp",
            platforms: ["linux/amd64", "linux/amd64", "linux/mips"],
            idleMinutes: -1,
            images: { app: { tags: ["no blanks"] } },
        });
        expect(mistakes.map((mistake) => mistake.split(":")[0])).toEqual([
            "runners",
            "idleMinutes",
            "platforms",
            "platforms",
            "images.app.context",
            "images.app.tags",
        ]);
    });

    it.each<[string, unknown]>([
        ["all platforms are unknown", ["linux/mips", "arm64"]],
        ["there are no platforms", []],
        ["platforms is no list", "linux/arm64"],
    ])("tell what images lack when %s", (_what, platforms) => {
        const project = temporaryFolder();
        fs.mkdirSync(path.join(project, "empty"));
        fs.writeFileSync(path.join(project, "empty", "other"), "FROM scratch\n");
        const images = {
            none: {},
            gone: { context: "gone" },
            empty: { context: "empty" },
            fine: { context: "empty", dockerfile: "empty/other" },
            // Theirs depend on the platforms.
            platforms: { context: "{arch}" },
            override: {
                context: "gone",
                overrides: { "linux/arm64": { context: "empty", dockerfile: "empty/other" } },
            },
        };
        const mistakes = checkedSettings({ ...right, platforms, images }, project).mistakes;
        fs.rmSync(project, { recursive: true });
        expect(mistakes.filter((mistake) => !mistake.startsWith("platforms: "))).toEqual([
            "images.none.context: missing; write the folder of the build context, relative to the project",
            "images.gone.context: folder gone does not exist; create it or correct the path",
            "images.empty.dockerfile: file empty/Dockerfile does not exist; create it or name another",
        ]);
        expect(mistakes.filter((mistake) => mistake.startsWith("platforms: ")).length).toBeGreaterThan(0);
    });

    it("become one error, a line each", () => {
        expect(() => throwMistakes("The configuration", [])).not.toThrow();
        expect(() => throwMistakes("The configuration", ["a: x"])).toThrow(
            new pulumi.RunError("The configuration has a mistake:\n  - a: x"),
        );
        expect(() => throwMistakes("The configuration", ["a: x", "b: y"])).toThrow(
            new pulumi.RunError("The configuration has mistakes:\n  - a: x\n  - b: y"),
        );
    });
});
