import { evaluate } from "../../packages/simulated-ec2";
import { defaultPlatforms } from "../architecture";
import { mostStandIns } from "../runner/ec2/ec2RunnerSettings";
import { clientStatements, clusterPolicy, runnerPolicy } from "../runner/ec2/policies";
import { mostRunners, namedRunners } from "../runner/runnerNames";
import { type CiResources, ciPolicy, ciPolicyText, inlinePolicyLimit } from "./policies";

const arn = (service: string, resource: string) => `arn:aws:${service}:eu-central-1:123456789012:${resource}`;
const group = arn("ec2", "security-group/sg-0123456789abcdef0");
const key = arn("kms", "key/01234567-89ab-cdef-0123-456789abcdef");
const path = "parameter/native-buildx/prod";

/** What CI may act on where every platform has as many runners as it can, each with these stand-ins. */
function resourcesWith(standIns: string[]): CiResources & { keys: string[] } {
    const keys = namedRunners(defaultPlatforms, mostRunners).flatMap(({ runner }) =>
        ["keys", ...standIns.map((type) => `keys-${type}`)].map((name) => `${path}/${runner}/${name}`),
    );
    const instances = keys.map((_, at) => arn("ec2", `instance/i-${String(at).padStart(17, "0")}`));
    return {
        keys,
        access: clientStatements(
            instances,
            keys.map((name) => arn("ssm", name)),
            key,
            group,
        ),
        repositoryArns: ["native-buildx-prod", "native-buildx-prod/*"].map((name) => arn("ecr", `repository/${name}`)),
        readableArns: ["native-buildx-base", "native-buildx-base/*"].map((name) => arn("ecr", `repository/${name}`)),
        connectParameterArns: [1, 2, 3, 4].map((part) => arn("ssm", `${path}/connect/${part}`)),
    };
}

describe("the CI role's policy, of nine runners for each platform, each with three stand-ins", () => {
    const resources = resourcesWith(["m7i-flex.2xlarge", "c8gd.4xlarge", "r8g.xlarge"]);
    const reads = (name: string) =>
        [
            { action: "ssm:GetParameter", resources: [arn("ssm", name)] },
            {
                action: "kms:Decrypt",
                resources: [key],
                context: { "kms:EncryptionContext:PARAMETER_ARN": arn("ssm", name) },
            },
        ].map((request) => evaluate([ciPolicy(resources)], request).outcome);

    it("is no longer than AWS takes", () => {
        expect(resources.keys).toHaveLength(72);
        expect(ciPolicyText(resources).length).toBeLessThanOrEqual(inlinePolicyLimit);
    });

    it("reads the keys of all of them", () => {
        expect(new Set(resources.keys.flatMap(reads))).toEqual(new Set(["allowed"]));
    });

    it.each([
        "parameter/native-buildx/prod2/arm64/keys",
        "parameter/native-buildx/prod-pr/arm64_2/keys-m7g.xlarge",
        "parameter/native-buildx/pro/arm64/keys",
        "parameter/native-buildx/arm64/keys",
        "parameter/other/prod/arm64/keys",
        `${path}/team/arm64/keys`,
        `${path}/arm64-team/arm64/keys`,
        `${path}/arm64/native-compilers-1`,
        `${path}/keys`,
    ])("does not read %s", (name) => {
        expect(reads(name)).toEqual(["implicit deny", "implicit deny"]);
    });

    it("is refused where there are more than it has room for", () => {
        const more = ["m7i-flex.2xlarge", "c8gd.4xlarge", "r8g.xlarge", "m8g.xlarge", "m7g.xlarge"];
        expect(() => ciPolicyText(resourcesWith(more))).toThrow(
            /^The policy of the CI role has \d{5} characters, and AWS takes 10240: lower runnersPerPlatform, or name fewer/,
        );
    });
});

describe("the policies of a runner's role", () => {
    it("have room for the most stand-ins, beside a compile cluster's", () => {
        const runner = "parameter/native-buildx/a-stack-of-a-team-with-a-long-name/arm64_9";
        const parts = (name: string) => Array.from({ length: 6 }, (_, at) => arn("ssm", `${runner}/${name}-${at}`));
        const keys = Array.from({ length: 1 + mostStandIns }, () => arn("ssm", `${runner}/keys-u7in-24tb.224xlarge`));
        const own = runnerPolicy(keys, key, group, parts("native-compilers"));
        const cluster = clusterPolicy(parts("compile-cluster"));
        expect(JSON.stringify(own).length + JSON.stringify(cluster).length).toBeLessThanOrEqual(inlinePolicyLimit);
    });
});
