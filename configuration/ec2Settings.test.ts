import * as pulumi from "@pulumi/pulumi";
import { mockPulumi, settled } from "../tests/helpers/pulumiMocks";
import { ec2Mistakes, ec2Settings } from "./ec2Settings";
import { checkedSettings, readSettings } from "./readSettings";

const { value: defaults } = checkedSettings({ runnerType: "ec2" }, __dirname);
const settingsWith = (changes: Partial<typeof defaults>) => {
    const values = { ...defaults, ...changes };
    return ec2Settings(values, values);
};

describe("the settings of EC2 runners, by the component that takes them", () => {
    it("leave to the components what is not set", () => {
        expect(settingsWith({})).toEqual({
            network: { vpc: "default", allowedCidrs: [], port: 9753, usePrivateAddress: false },
            runners: ["linux/amd64", "linux/arm64"].map((platform) => ({
                platform,
                idleMinutes: 15,
                cacheGigabytes: 30,
                registryMirrors: {},
                buildkit: {},
            })),
            repository: {
                immutableTags: false,
                movingTags: ["latest*"],
                untaggedDays: 90,
                cacheDays: 30,
                forceDelete: false,
            },
            ci: { githubRepositories: [], trustedPrincipalArns: [] },
            prices: {},
        });
    });

    it("go to each platform's runner, and to what they are of", () => {
        const sha256 = { "linux/amd64": "a".repeat(64) };
        const kmsKeyArn = "arn:aws:kms:eu-central-1:123456789012:key/1";
        const settings = settingsWith({
            platforms: ["linux/arm64"],
            vpc: "subnet-0123",
            instanceTypes: { "linux/arm64": "c8g.large", "linux/amd64": "c7i.large" },
            fallbackInstanceTypes: { "linux/arm64": ["c7g.large"] },
            emulateOn: { "linux/arm64": "linux/amd64" },
            buildkitVersion: "0.30.0",
            buildkitUrl: "https://mirror.example/{version}/{arch}",
            buildkitSha256: sha256,
            kmsKeyArn,
            ssmEndpoint: "https://ssm.example",
        });
        expect(settings.network.vpc).toEqual({ subnetId: "subnet-0123" });
        expect(settings.runners).toEqual([
            {
                platform: "linux/arm64",
                instanceType: "c8g.large",
                fallbackInstanceTypes: ["c7g.large"],
                emulateOn: "linux/amd64",
                idleMinutes: 15,
                cacheGigabytes: 30,
                registryMirrors: {},
                buildkit: { url: "https://mirror.example/{version}/{arch}", version: "0.30.0", sha256 },
                kmsKeyArn,
                ssmEndpoint: "https://ssm.example",
            },
        ]);
        expect([settings.repository.kmsKeyArn, settings.kmsKeyArn]).toEqual([kmsKeyArn, kmsKeyArn]);
    });
});

describe("a stack with EC2 runners", () => {
    const environment = { ...process.env };
    beforeEach(async () => {
        delete process.env.AWS_REGION;
        delete process.env.AWS_DEFAULT_REGION;
        await mockPulumi();
    });
    afterEach(async () => {
        await settled();
        pulumi.runtime.setAllConfig({});
        process.env = { ...environment };
    });

    const read = (settings: { [name: string]: string }) => {
        const own = { "native-buildx:runnerType": "ec2", ...settings };
        pulumi.runtime.setAllConfig(own);
        return readSettings("native-buildx-prod", __dirname);
    };

    it("has its own settings besides the common ones", async () => {
        const settings = await read({
            "aws:region": "eu-central-1",
            "native-buildx:allowedCidrs": '["203.0.113.7/32"]',
        });
        expect(settings).toMatchObject({ runnerType: "ec2", ec2: { network: { allowedCidrs: ["203.0.113.7/32"] } } });
    });

    it("is refused with every mistake, and none is told twice", async () => {
        const wrong = read({
            "native-buildx:allowedCidrs": '"203.0.113.7/32"',
            "native-buildx:emulateOn": '{"linux/arm64": "linux/mips"}',
            "native-buildx:instanceTypes": '{"linux/mips": "m1.large", "linux/arm64": "c7i.large"}',
            "native-buildx:ec2Prices": '{"instanceHour": {"c7g.large": "cheap"}, "volumeGigabyteMonth": "0.08"}',
            "native-buildx:vpc": "here",
        });
        const error = await wrong.catch((reason: Error) => reason);
        expect(
            String((error as Error).message)
                .split("\n")
                .slice(1),
        ).toEqual([
            '  - allowedCidrs: must be a list of address ranges, not "203.0.113.7/32"',
            '  - instanceTypes["linux/mips"]: unknown platform; known: linux/amd64, linux/arm64',
            '  - emulateOn["linux/arm64"]: there is no "linux/mips"; use one of: linux/amd64, linux/arm64',
            '  - ec2Prices.instanceHour["c7g.large"]: must be a price in US dollars, not "cheap"',
            "  - aws:region: is not set; choose where the runners are: pulumi config set aws:region eu-central-1",
            `  - subnetId "here": a subnet's id looks like subnet-0123456789abcdef0`,
        ]);
    });

    it("names a platform of its own to emulate on", () => {
        process.env.AWS_REGION = "eu-central-1";
        const alone = settingsWith({
            platforms: ["linux/arm64"],
            allowedCidrs: ["203.0.113.7/32"],
            emulateOn: { "linux/arm64": "linux/amd64" },
        });
        expect(ec2Mistakes(alone, "native-buildx-prod")).toEqual([
            "emulateOn of linux/arm64: there is no runner for linux/amd64; add it to platforms or name another",
        ]);
    });
});
