import { ec2RunnerProblems } from "./ec2RunnerSettings";

describe("ec2RunnerProblems", () => {
    it.each(["c7g.xlarge", "m8gd.2xlarge", "t4g.small", "c6gn.medium", "is4gen.large", "a1.large", "x2gd.medium"])(
        "knows that %s is arm64",
        (type) => {
            expect(ec2RunnerProblems({ platform: "linux/arm64", instanceType: type })).toEqual([]);
            expect(ec2RunnerProblems({ platform: "linux/amd64", instanceType: type })).toHaveLength(1);
        },
    );

    it.each(["c7i.xlarge", "c7i-flex.large", "g4dn.xlarge", "m7a.large", "t3.micro", "p4d.24xlarge"])(
        "knows that %s is amd64",
        (type) => {
            expect(ec2RunnerProblems({ platform: "linux/amd64", instanceType: type })).toEqual([]);
            expect(ec2RunnerProblems({ platform: "linux/arm64", instanceType: type })).toHaveLength(1);
        },
    );

    // https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-nitro-instances.html
    it.each([
        ...[
            "t1.micro",
            "t2.large",
            "c1.xlarge",
            "c3.large",
            "c4.8xlarge",
            "m1.large",
            "m2.xlarge",
            "m3.large",
            "m4.large",
        ],
        ...["r3.large", "r4.large", "i2.xlarge", "i3.large", "i3.16xlarge", "d2.xlarge", "h1.2xlarge", "x1.16xlarge"],
        ...["x1e.xlarge", "p2.xlarge", "p3.2xlarge", "g2.2xlarge", "g3.4xlarge", "g3s.xlarge", "f1.2xlarge"],
    ])("refuses %s, which is older than Nitro, except as a stand-in or with a device of its own", (type) => {
        const platform = "linux/amd64";
        expect(ec2RunnerProblems({ platform, instanceType: type })).toEqual([
            `instanceTypes of linux/amd64 "${type}": is not built on the Nitro system, where a runner finds its cache volume. Choose a type like c7i.xlarge`,
        ]);
        expect(ec2RunnerProblems({ platform, fallbackInstanceTypes: [type] })).toEqual([]);
        expect(ec2RunnerProblems({ platform, instanceType: type, cacheDevice: "/dev/xvdf" })).toEqual([]);
    });

    it.each([
        ...["i3.metal", "i3en.large", "p3dn.24xlarge", "c5.large", "m5.large", "r5.large", "t3a.small", "d3.xlarge"],
        ...["x2idn.16xlarge", "g4dn.xlarge", "f2.6xlarge", "i4i.large", "u-6tb1.metal", "hpc6a.48xlarge", "z1d.large"],
    ])("takes %s", (type) => {
        expect(ec2RunnerProblems({ platform: "linux/amd64", instanceType: type })).toEqual([]);
    });

    it.each(["mac1.metal", "mac2.metal", "mac2-m2pro.metal", "mac-m4.metal"])("refuses %s everywhere", (type) => {
        for (const platform of ["linux/amd64", "linux/arm64"] as const) {
            expect(ec2RunnerProblems({ platform, instanceType: type, fallbackInstanceTypes: [type] })).toEqual(
                expect.arrayContaining([
                    expect.stringContaining(`instanceTypes of ${platform} "${type}": runs macOS only. Choose `),
                    expect.stringContaining(`fallbackInstanceTypes of ${platform} "${type}": runs macOS only. Choose `),
                ]),
            );
        }
    });

    it.each([
        [{ cacheIops: 15_000, cacheThroughput: 750 }],
        [{ cacheThroughput: 750 }],
        [{ cacheGigabytes: 160, cacheIops: 80_000, cacheThroughput: 2000 }],
    ])("takes the fastest volume that EBS has, %j", (settings) => {
        expect(ec2RunnerProblems({ platform: "linux/arm64", ...settings })).toEqual([]);
    });

    it("takes a platform that EC2 has no machines of where another's runner emulates it", () => {
        const platform = "linux/riscv64";
        expect(ec2RunnerProblems({ platform, emulateOn: "linux/arm64" })).toEqual([]);
        expect(ec2RunnerProblems({ platform, emulateOn: "linux/arm/v7", instanceType: "c7g.large" })).toEqual([
            "instanceTypes of linux/riscv64: EC2 has no machines of linux/riscv64; remove the setting",
            'emulateOn of linux/riscv64: EC2 has no machines of "linux/arm/v7"; use linux/amd64 or linux/arm64',
        ]);
    });

    it.each([
        [{ fallbackInstanceTypes: ["c7g.xlarge"] }, "names a type twice"],
        [{ fallbackInstanceTypes: ["m7g.large", "m7g.large"] }, "names a type twice"],
        [
            { fallbackInstanceTypes: Array.from({ length: 21 }, (_, at) => `m${at + 8}g.large`) },
            "fallbackInstanceTypes of linux/arm64: names 21 types, and 20 are the most",
        ],
        [{ emulateOn: "linux/arm64" as const }, "is the platform itself"],
        [{ idleMinutes: -1 }, "idleMinutes of linux/arm64 -1"],
        [{ cacheGigabytes: 20.5 }, "cacheGigabytes of linux/arm64 20.5"],
        [
            { cacheIops: 16_000 },
            "cacheIops 16000: a gp3 volume of 30 GiB has 15000 at most; lower it, or raise cacheGigabytes to 32",
        ],
        [{ cacheIops: 80_001, cacheGigabytes: 1000 }, "cacheIops 80001: a gp3 volume has 3000 to 80000"],
        [
            { cacheThroughput: 1000 },
            "cacheThroughput 1000: a gp3 volume of 3000 operations a second has 750 MiB/s at most; lower it, or raise cacheIops to 4000",
        ],
        [{ cacheThroughput: 100 }, "cacheThroughput 100: a gp3 volume has 125 to 2000 MiB/s"],
        [{ buildkit: { version: "v0.32.0" } }, "buildkitSha256 has no checksum for linux/arm64, BuildKit v0.32.0"],
        [{ buildkit: { sha256: { "linux/arm64": "abc" } } }, "64 hexadecimal digits"],
        [{ buildkit: { url: "ftp://x" } }, "http(s) address"],
        [{ kmsKeyArn: "alias/mine" }, "not an alias"],
        [{ ssmEndpoint: "ssm.local" }, "an address without a path"],
        [{ registryMirrors: { hub: ["m"] } }, 'registryMirrors: "hub" is not the host'],
    ])("refuses %j", (settings, reason) => {
        expect(ec2RunnerProblems({ platform: "linux/arm64", ...settings })).toEqual([expect.stringContaining(reason)]);
    });
});
