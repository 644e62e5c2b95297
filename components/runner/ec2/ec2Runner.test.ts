import { gunzipSync } from "node:zlib";
import * as pulumi from "@pulumi/pulumi";
import { type AwsMocks, mockAws, resolved, settled } from "../../../tests/helpers/awsMocks";
import { Ec2Runner, type Ec2RunnerArgs } from "./ec2Runner";
import { Network, type NetworkArgs } from "./network";

const instanceType = "aws:ec2/instance:Instance";
const volumeType = "aws:ebs/volume:Volume";
const parameterType = "aws:ssm/parameter:Parameter";

describe("Ec2Runner", () => {
    let mocks: AwsMocks;
    let options: { [resource: string]: pulumi.CustomResourceOptions };

    beforeEach(async () => {
        mocks = await mockAws();
        options = {};
    });

    function makeRunner(changes: Partial<Ec2RunnerArgs> = {}, network: Partial<NetworkArgs> = {}): Ec2Runner {
        return new Ec2Runner(
            "runner",
            {
                platform: "linux/arm64",
                network: new Network("net", { allowedCidrs: ["203.0.113.7/32"], ...network }),
                runner: "arm64",
                ...changes,
            },
            {
                transformations: [
                    ({ type, name, opts }) => {
                        options[`${type} ${name}`] = opts;
                        return undefined;
                    },
                ],
            },
        );
    }

    const userDataOf = (name?: string) =>
        gunzipSync(Buffer.from(String(mocks.one(instanceType, name).inputs.userDataBase64), "base64")).toString();

    it("is an instance of the architecture's type, with Debian's newest image", async () => {
        const runner = makeRunner();
        expect(await resolved(runner.description)).toEqual({
            kind: "ec2",
            platform: "linux/arm64",
            id: "i-runner",
            idleMinutes: 5,
            instanceType: "c7g.xlarge",
            region: "eu-central-1",
            price: {
                unknown: "price of c7g.xlarge in eu-central-1 not known, set ec2Prices.instanceHour",
                month: expect.closeTo(46 * 0.0952),
            },
        });
        await settled();
        expect(mocks.one(instanceType).inputs).toMatchObject({
            ami: "ami-of/aws/service/debian/release/13/latest/arm64",
            instanceType: "c7g.xlarge",
            subnetId: "subnet-0a",
            userDataReplaceOnChange: true,
            instanceInitiatedShutdownBehavior: "stop",
            associatePublicIpAddress: true,
            metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
            rootBlockDevice: { volumeType: "gp3", encrypted: true, deleteOnTermination: true },
        });
        expect(mocks.one(instanceType).inputs).not.toHaveProperty("keyName");
    });

    it("tells the connect script how to wake and reach it", async () => {
        expect(await resolved(makeRunner().node)).toEqual({
            kind: "ec2",
            platform: "linux/arm64",
            serverName: "arm64.runner.native-buildx.internal",
            variables: {
                instance: "i-runner",
                instance_type: "c7g.xlarge",
                keys_parameter: "/native-buildx/native-buildx/prod/runner/arm64/keys",
                fallbacks: "",
                emulate_on: "",
                region: "eu-central-1",
                port: "9753",
                address: "public",
                callers_group: "",
                open_seconds: "0",
                address_url: "https://checkip.amazonaws.com",
            },
        });
    });

    it("keeps the cache on a volume of its own, in a zone that has the type", async () => {
        mocks.region.offerings["c7g.xlarge"] = ["eu-central-1b", "eu-central-1c"];
        makeRunner({ cacheGigabytes: 200, cacheIops: 4000, cacheThroughput: 1000 });
        await settled();
        expect(mocks.one(volumeType).inputs).toMatchObject({
            availabilityZone: "eu-central-1b",
            size: 200,
            type: "gp3",
            iops: 4000,
            throughput: 1000,
            encrypted: true,
        });
        expect(mocks.one(instanceType).inputs.subnetId).toBe("subnet-0b");
        expect(mocks.one("aws:ec2/volumeAttachment:VolumeAttachment").inputs).toMatchObject({
            instanceId: "i-runner",
            volumeId: "vol-0123456789abcdef0",
            stopInstanceBeforeDetaching: true,
        });
        expect(userDataOf()).toContain(
            "cache_device='/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0'",
        );
    });

    it("is not replaced by a new image, or by being stopped", async () => {
        makeRunner();
        await settled();
        const instance = options[`${instanceType} runner`];
        expect(instance?.ignoreChanges).toEqual(["ami", "associatePublicIpAddress"]);
        expect(instance?.deleteBeforeReplace).toBe(true);
    });

    it.each([true, false])("is launched anew when usePrivateAddress changes to %s", async (usePrivateAddress) => {
        makeRunner({}, { usePrivateAddress });
        await settled();
        expect(options[`${instanceType} runner`]?.replacementTrigger).toBe(usePrivateAddress);
    });

    it("stays in the zone of its cache volume, whatever other tags that has", async () => {
        mocks.region.volumes = { "vol-1": "eu-central-1b" };
        makeRunner({ tags: { team: "a" } });
        await settled();
        expect(mocks.one(volumeType).inputs.availabilityZone).toBe("eu-central-1b");
        expect(mocks.one(instanceType).inputs.subnetId).toBe("subnet-0b");
        expect(mocks.calls.find(({ token }) => token === "aws:ebs/getEbsVolumes:getEbsVolumes")?.inputs).toEqual({
            filters: [
                { name: "tag:native-buildx", values: ["native-buildx-prod"] },
                { name: "tag:Name", values: ["runner-cache"] },
            ],
        });
    });

    it.each([
        ["the network has no subnet there", {}],
        ["EC2 does not offer the type there", { "c7g.xlarge": ["eu-central-1a", "eu-central-1b"] }],
    ])("leaves that zone, with a warning, when %s", async (_reason, offerings: { [type: string]: string[] }) => {
        const warn = jest.spyOn(pulumi.log, "warn").mockResolvedValue();
        mocks.region.volumes = { "vol-1": "eu-central-1c" };
        mocks.region.offerings = offerings;
        makeRunner();
        await settled();
        expect(mocks.one(volumeType).inputs.availabilityZone).toBe("eu-central-1a");
        expect(warn.mock.calls.map(([message]) => message)).toEqual([
            expect.stringMatching(/in zone eu-central-1c, .*empty cache, takes its place in zone eu-central-1a/),
        ]);
        warn.mockRestore();
    });

    it("publishes its keys in an encrypted parameter, which never brings them into the state", async () => {
        makeRunner({ emulates: [{ runner: "amd64", platform: "linux/amd64" }], nativeCompilers: false });
        await settled();
        const { inputs } = mocks.one(parameterType);
        expect(inputs).toMatchObject({
            name: "/native-buildx/native-buildx/prod/runner/arm64/keys",
            type: "SecureString",
            valueWo: expect.objectContaining({ value: "not started yet" }),
            valueWoVersion: 1,
            // What an `up` that was killed has left must not stop the next.
            overwrite: true,
        });
        expect(inputs).not.toHaveProperty("value");
        const userData = userDataOf();
        expect(userData).toContain("parameter='/native-buildx/native-buildx/prod/runner/arm64/keys'");
        expect(userData).toContain(
            "server_names='arm64.runner.native-buildx.internal amd64.runner.native-buildx.internal'",
        );
    });

    it("has its placeholder put over keys that are in use by no change of the parameter", async () => {
        makeRunner();
        await settled();
        const changeable = Object.keys(mocks.one(parameterType).inputs).filter(
            (input) => !options[`${parameterType} runner-keys`]?.ignoreChanges?.includes(input),
        );
        // `name` replaces it; AWS keeps tags apart from the value, and `overwrite` is for its creation.
        expect(changeable.sort()).toEqual(["name", "overwrite", "type"]);
    });

    it("has a role that writes that parameter and does nothing else", async () => {
        makeRunner();
        await settled();
        const policy = JSON.parse(String(mocks.one("aws:iam/rolePolicy:RolePolicy").inputs.policy));
        expect(policy.Statement).toEqual([
            {
                Effect: "Allow",
                Sid: "PublishKeys",
                Action: ["ssm:PutParameter"],
                Resource: [
                    `arn:aws:mock:eu-central-1:123456789012:${parameterType}//native-buildx/native-buildx/prod/runner/arm64/keys`,
                ],
            },
        ]);
    });

    it("encrypts with the customer's key, and may encrypt its keys with it", async () => {
        const kmsKeyArn = "arn:aws:kms:eu-central-1:123456789012:key/1234";
        makeRunner({ kmsKeyArn });
        await settled();
        expect(mocks.one(parameterType).inputs.keyId).toBe(kmsKeyArn);
        expect(userDataOf()).toContain(`kms_key='${kmsKeyArn}'`);
        expect(mocks.one(volumeType).inputs.kmsKeyId).toBe(kmsKeyArn);
        expect(mocks.one(instanceType).inputs.rootBlockDevice).toMatchObject({ kmsKeyId: kmsKeyArn });
        const policy = JSON.parse(String(mocks.one("aws:iam/rolePolicy:RolePolicy").inputs.policy));
        expect(policy.Statement[1]).toMatchObject({ Action: ["kms:Encrypt"], Resource: [kmsKeyArn] });
    });

    it("makes stand-ins, in another zone, with a cache on their own disk", async () => {
        const runner = makeRunner({ fallbackInstanceTypes: ["m7g.xlarge", "r7g.xlarge"], emulateOn: "linux/amd64" });
        const { variables } = await resolved(runner.node);
        expect(variables.fallbacks).toBe("i-runner-m7g-xlarge:m7g.xlarge i-runner-r7g-xlarge:r7g.xlarge");
        expect(variables.emulate_on).toBe("amd64");
        expect(await resolved(runner.instanceArns)).toHaveLength(3);
        const names = ["keys", "keys-m7g.xlarge", "keys-r7g.xlarge"];
        expect(await resolved(runner.keysParameterArns)).toEqual(
            names.map((name) =>
                expect.stringMatching(new RegExp(`/native-buildx/native-buildx/prod/runner/arm64/${name}$`)),
            ),
        );
        await settled();
        expect(mocks.one(instanceType, "runner-m7g-xlarge").inputs.subnetId).toBe("subnet-0b");
        expect(userDataOf("runner-m7g-xlarge")).toContain("cache_device=''");
        expect(userDataOf("runner-m7g-xlarge")).toContain(
            "parameter='/native-buildx/native-buildx/prod/runner/arm64/keys-m7g.xlarge'",
        );
        expect(mocks.of("aws:ec2/volumeAttachment:VolumeAttachment")).toHaveLength(1);
    });

    it.each([
        [0, 300],
        [0.5, 30],
        [undefined, 300],
    ])(
        "has stand-ins that stop when they are idle, also where it never does: idleMinutes %s",
        async (idleMinutes, idle) => {
            makeRunner({ fallbackInstanceTypes: ["m7g.xlarge"], idleMinutes });
            await settled();
            expect(userDataOf("runner")).toContain(`idle_seconds='${idleMinutes === 0 ? 0 : idle}'`);
            expect(userDataOf("runner-m7g-xlarge")).toContain(`idle_seconds='${idle}'`);
        },
    );

    it("runs build steps in a network of their own, and grants no privileges", async () => {
        makeRunner();
        await settled();
        const userData = userDataOf();
        expect(userData).toContain('networkMode = "cni"');
        expect(userData).not.toMatch(/network\.host|security\.insecure|insecure-entitlements/);
    });

    it("asks the VPC's endpoint, and the company's mirrors, where they are named", async () => {
        makeRunner({
            ssmEndpoint: "https://vpce-0abc.ssm.eu-central-1.vpce.amazonaws.com/",
            buildkit: { url: "https://mirror.example.com/{version}/{arch}.tar.gz" },
            registryMirrors: { "docker.io": ["http://mirror.example.com:5000"] },
        });
        await settled();
        const userData = userDataOf();
        expect(userData).toContain("ssm_endpoint='https://vpce-0abc.ssm.eu-central-1.vpce.amazonaws.com'");
        expect(userData).toContain("buildkit_url='https://mirror.example.com/v0.31.1/arm64.tar.gz'");
        expect(userData).toContain('[registry."docker.io"]\n  mirrors = ["mirror.example.com:5000"]');
        expect(userData).toContain('[registry."mirror.example.com:5000"]\n  http = true');
    });

    it("stays private where that is wanted", async () => {
        const runner = makeRunner({}, { usePrivateAddress: true, vpc: { subnetId: "subnet-0a" } });
        expect((await resolved(runner.node)).variables.address).toBe("private");
        await settled();
        expect(mocks.one(instanceType).inputs.associatePublicIpAddress).toBe(false);
    });

    it.each([
        ["has no price of a public address where it has none", true, 0.2],
        ["has the price of its public address", false, 0.205],
    ])("%s", async (_what, usePrivateAddress, hour) => {
        const prices = { instanceHour: { "c7g.xlarge": 0.2 } };
        const { price } = await resolved(makeRunner({ prices }, { usePrivateAddress }).description);
        expect(price?.hour).toBeCloseTo(hour);
    });

    it("reports all wrong settings at once, before anything is made", async () => {
        expect(() => makeRunner({ instanceType: "c7i.xlarge", cacheGigabytes: 1 })).toThrow(
            /c7i\.xlarge.*\n.*cacheGigabytes/,
        );
        await settled();
        expect(mocks.of(instanceType)).toEqual([]);
    });
});
