import { keysOf } from "../../settings/collections";
import { parsed } from "../../settings/mistakes";
import { runnerSettings } from "../settings";
import type { Ec2RunnersValues } from "./ec2Runners";
import { ec2Mistakes } from "./mistakes";
import { ec2RunnerSettings } from "./settings";

const settings = { ...runnerSettings, ...ec2RunnerSettings };
const read = (values: Partial<Ec2RunnersValues>) => parsed(keysOf("", settings), values, []);
const defaults = read({}).value as Ec2RunnersValues;

describe("a mistake in the settings of EC2 runners", () => {
    it.each<[keyof Ec2RunnersValues, Partial<Ec2RunnersValues>]>([
        ["allowedCidrs", { allowedCidrs: [] }],
        ["allowedCidrs", { allowedCidrs: ["here"] }],
        ["allowedCidrs", { allowedCidrs: ["10.0.0.0/8", "10.0.0.0/8"] }],
        ["openForCallerMinutes", { openForCallerMinutes: 1, usePrivateAddress: true }],
        ["buildkitPort", { buildkitPort: 0 }],
        ["buildkitPort", { buildkitPort: 10_245, compileCluster: true }],
        ["vpc", { vpc: "vpc-0123" }],
        ["usePrivateAddress", { vpc: "new", usePrivateAddress: true }],
        ["instanceTypes", { instanceTypes: { "linux/arm64": "large" } }],
        ["instanceTypes", { instanceTypes: { "linux/arm64": "c7i.large" } }],
        ["fallbackInstanceTypes", { fallbackInstanceTypes: { "linux/arm64": ["c7i.large"] } }],
        ["fallbackInstanceTypes", { fallbackInstanceTypes: { "linux/arm64": ["c7g.xlarge"] } }],
        ["emulateOn", { emulateOn: { "linux/arm64": "linux/arm64" } }],
        ["emulateOn", { emulateOn: { "linux/arm64": "linux/amd64" } }],
        ["emulateOn", { platforms: ["linux/riscv64"] }],
        ["instanceTypes", { platforms: ["linux/riscv64"], instanceTypes: { "linux/riscv64": "c7g.large" } as object }],
        ["idleMinutes", { idleMinutes: -1 }],
        ["cacheGigabytes", { cacheGigabytes: 19 }],
        ["cacheIops", { cacheIops: 16_000 }],
        ["cacheThroughput", { cacheThroughput: 1000 }],
        ["buildkitSha256", { buildkitVersion: "v0.32.0" }],
        ["buildkitSha256", { buildkitSha256: { "linux/arm64": "abc" } }],
        ["buildkitUrl", { buildkitUrl: "ftp://mirror.example/{version}/{arch}" }],
        ["registryMirrors", { registryMirrors: { hub: ["mirror.example"] } }],
        ["kmsKeyArn", { kmsKeyArn: "alias/mine" }],
        ["ssmEndpoint", { ssmEndpoint: "ssm.example" }],
        ["callerAddressUrl", { callerAddressUrl: "checkip" }],
    ])("begins with the setting's name: %s, %j", (setting, wrong) => {
        const platforms: Ec2RunnersValues["platforms"] = ["linux/arm64"];
        const mistakes = ec2Mistakes({ ...defaults, platforms, allowedCidrs: ["203.0.113.7/32"], ...wrong });
        expect(mistakes.map((mistake) => /^\w*/.exec(mistake)?.[0])).toContain(setting);
        expect(mistakes.filter((mistake) => !Object.hasOwn(settings, /^\w*/.exec(mistake)?.[0] ?? ""))).toEqual([]);
        expect(mistakes.join("\n")).not.toMatch(/\binstanceType\b|subnetId|buildkit\.|(?<!TCP )\bport \d/);
    });
});

describe("where BuildKit comes from", () => {
    /** What the settings themselves, and together, have against values. */
    const mistakesOf = (values: Partial<Ec2RunnersValues>) => {
        const { value, mistakes } = read({ allowedCidrs: ["203.0.113.7/32"], ...values });
        return mistakes.length > 0 ? mistakes : ec2Mistakes(value as Ec2RunnersValues);
    };
    const checksum = "0".repeat(64);
    const buildkitSha256 = { "linux/amd64": checksum, "linux/arm64": checksum };
    const mirror = "https://mirror.example/buildkit-{version}.linux-{arch}.tar.gz";

    it.each<Partial<Ec2RunnersValues>>([
        { buildkitVersion: "", buildkitUrl: "" },
        { buildkitVersion: "v0.32.0" },
        { buildkitVersion: "v0.32.0-rc1", buildkitUrl: mirror },
        { buildkitUrl: "http://mirror.example/{arch}" },
    ])("may be %j", (values) => {
        expect(mistakesOf({ ...values, buildkitSha256 })).toEqual([]);
    });

    it.each<[Partial<Ec2RunnersValues>, string]>([
        [{ buildkitVersion: "0.32.0" }, 'buildkitVersion: must be the tag of a release, as in v0.32.0, not "0.32.0"'],
        [
            { buildkitUrl: "https://mirror.example/{version}" },
            `buildkitUrl: must be the address of an archive for each {arch}, as in ${mirror}, not "https://mirror.example/{version}"`,
        ],
        [
            { buildkitUrl: "https://mirror.example/{arch}", buildkitVersion: "v0.32.0" },
            'buildkitVersion v0.32.0: buildkitUrl "https://mirror.example/{arch}" has no {version}, so it is the same archive ' +
                "for each; write {version} there, or remove buildkitVersion",
        ],
    ])("may not be %j", (values, mistake) => {
        // Of the runners of two platforms each has them.
        expect([...new Set(mistakesOf({ ...values, buildkitSha256 }))]).toEqual([mistake]);
    });
});
