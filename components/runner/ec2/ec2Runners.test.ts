import { gunzipSync } from "node:zlib";
import * as pulumi from "@pulumi/pulumi";
import { type AwsMocks, mockAws, resolved, settled } from "../../../tests/helpers/awsMocks";
import { Ec2Runners, type Ec2RunnersArgs } from "./ec2Runners";

const allowedCidrs = ["203.0.113.7/32"];
const instanceType = "aws:ec2/instance:Instance";

describe("EC2 runners", () => {
    let mocks: AwsMocks;
    beforeEach(async () => {
        mocks = await mockAws();
    });
    afterEach(settled);

    const make = (args: Ec2RunnersArgs = {}, name = "runners") => new Ec2Runners(name, { allowedCidrs, ...args });

    it("are one a platform with the defaults of the configuration, in one network", async () => {
        const { runners } = make();
        expect(runners.map(({ runnerName, platform }) => [runnerName, platform])).toEqual([
            ["amd64", "linux/amd64"],
            ["arm64", "linux/arm64"],
        ]);
        await settled();
        expect(mocks.of("aws:ec2/securityGroup:SecurityGroup")).toHaveLength(1);
        expect(mocks.of("aws:ebs/volume:Volume").map(({ inputs }) => inputs.size)).toEqual([30, 30]);
        const descriptions = await Promise.all(runners.map(({ description }) => resolved(description)));
        expect(descriptions.map(({ idleMinutes }) => idleMinutes)).toEqual([5, 5]);
    });

    it("may be several a platform, apart in everything", async () => {
        const { runners } = make({ platforms: ["linux/arm64"], runnersPerPlatform: 2 });
        const nodes = await Promise.all(runners.map(({ node }) => resolved(node)));
        expect(nodes.map(({ serverName }) => serverName)).toEqual([
            "arm64.runner.native-buildx.internal",
            "arm64-2.runner.native-buildx.internal",
        ]);
        expect(nodes.map(({ variables }) => variables.keys_parameter)).toEqual([
            "/native-buildx/native-buildx/prod/runners/arm64/keys",
            "/native-buildx/native-buildx/prod/runners/arm64_2/keys",
        ]);
        await settled();
        expect(mocks.of(instanceType).map(({ name }) => name)).toEqual(["runners-arm64", "runners-arm64_2"]);
    });

    it("may be there twice in one program", async () => {
        make({ platforms: ["linux/arm64"] }, "one");
        make({ platforms: ["linux/arm64"] }, "two");
        await settled();
        const names = mocks.resources.map(({ type, name }) => `${type} ${name}`);
        expect(new Set(names).size).toBe(names.length);
        // What the account calls them.
        const called = mocks.resources.flatMap(({ type, inputs }) =>
            inputs.name && type !== "aws:iam/rolePolicy:RolePolicy" ? [`${type} ${inputs.name}`] : [],
        );
        expect(called.length).toBeGreaterThan(4);
        expect(new Set(called).size).toBe(called.length);
    });

    it("give each runner the settings of its platform", async () => {
        const { runners } = make({
            instanceTypes: { "linux/arm64": "c8g.large" },
            fallbackInstanceTypes: { "linux/arm64": ["c7g.large"] },
            emulateOn: { "linux/arm64": "linux/amd64" },
        });
        const [amd64, arm64] = await Promise.all(runners.map(({ node }) => resolved(node)));
        expect(amd64?.variables).toMatchObject({ instance_type: "c7i.xlarge", fallbacks: "", emulate_on: "" });
        expect(arm64?.variables).toMatchObject({
            instance_type: "c8g.large",
            fallbacks: expect.stringMatching(/:c7g\.large$/),
            emulate_on: "amd64",
        });
    });

    it("are woken by pulumi up in the profile of the configuration, which connect does not name", async () => {
        pulumi.runtime.setConfig("aws:profile", "staging");
        const { runners } = make({
            platforms: ["linux/arm64", "linux/arm/v7"],
            emulateOn: { "linux/arm/v7": "linux/arm64" },
        });
        pulumi.runtime.setAllConfig({});
        expect(runners.map(({ hereScript }) => hereScript)).toEqual(
            [1, 2].map(() => expect.stringContaining("'staging'")),
        );
        expect(JSON.stringify(await Promise.all(runners.map(({ node }) => resolved(node))))).not.toContain("staging");
        expect(make({}, "others").runners.map(({ hereScript }) => hereScript)).toEqual(["", ""]);
    });

    it("emulate a platform that EC2 has no machines of, on a runner that has nothing else than its name", async () => {
        const made = make({
            platforms: ["linux/arm/v7", "linux/arm64"],
            emulateOn: { "linux/arm/v7": "linux/arm64" },
            runnersPerPlatform: 2,
        });
        const nodes = await Promise.all(made.runners.map(({ node }) => resolved(node)));
        const [arm, arm2, arm64, arm64Second] = nodes;
        expect(arm).toMatchObject({ platform: "linux/arm/v7", serverName: "arm-v7.runner.native-buildx.internal" });
        expect(arm?.variables).toEqual(arm64?.variables);
        expect(arm2?.serverName).toBe("arm-v7-2.runner.native-buildx.internal");
        expect(arm2?.variables).toEqual(arm64Second?.variables);
        const [description] = await Promise.all(made.runners.map(({ description }) => resolved(description)));
        expect(description).toMatchObject({ platform: "linux/arm/v7", id: arm64?.variables.instance });
        const places = made.runners.map(({ resource }) => resource);
        expect(places).toEqual([made.runners[2], made.runners[3], undefined, undefined]);

        await settled();
        expect(mocks.of(instanceType).map(({ name }) => name)).toEqual(["runners-arm64", "runners-arm64_2"]);
        const certified = mocks.of(instanceType).map(({ inputs }) => {
            const script = gunzipSync(Buffer.from(String(inputs.userDataBase64), "base64")).toString();
            return /^server_names=.*$/m.exec(script)?.[0];
        });
        const internal = (...names: string[]) => names.map((name) => `${name}.runner.native-buildx.internal`).join(" ");
        expect(certified).toEqual([
            `server_names='${internal("arm64", "arm-v7")}'`,
            `server_names='${internal("arm64-2", "arm-v7-2")}'`,
        ]);
        const access = await resolved(made.access);
        expect(access.find(({ Sid }) => Sid === "Wake")?.Resource).toHaveLength(2);
    });

    it("have what makes native compilers where they emulate, in parameters that only they read", async () => {
        make({ emulateOn: { "linux/arm64": "linux/amd64" } });
        await settled();
        const recipe = mocks
            .of("aws:ssm/parameter:Parameter")
            .map(({ inputs }) => inputs)
            .filter(({ type }) => type === "String");
        expect(recipe.length).toBeGreaterThan(1);
        expect(recipe.map(({ name }) => name).sort()).toEqual(
            recipe.map((_, at) => `/native-buildx/native-buildx/prod/runners/amd64/native-compilers-${at + 1}`),
        );
        const roles = mocks
            .of("aws:iam/rolePolicy:RolePolicy")
            .map(({ name, inputs }) => [name, String(inputs.policy)]);
        const readers = roles.filter(([, policy]) => policy?.includes("ssm:GetParameter"));
        expect(readers.map(([name]) => name)).toEqual(["runners-amd64"]);
        expect(readers[0]?.[1]?.split("native-compilers-").length).toBe(recipe.length + 1);
    });

    it("are the nodes of a compile cluster where that is set: a group, members by private address, and leave to read them", async () => {
        const made = make({
            compileCluster: true,
            fallbackInstanceTypes: { "linux/arm64": ["c6g.xlarge"] },
            platforms: ["linux/amd64", "linux/arm64", "linux/arm/v7"],
            emulateOn: { "linux/arm/v7": "linux/arm64" },
        });
        expect(made.runners.map(({ runnerName, inCluster }) => `${runnerName} ${inCluster}`)).toEqual([
            "amd64 true",
            "arm64 true",
            // By the other's machine.
            "arm_v7 undefined",
        ]);
        await settled();
        const group = mocks.one("aws:ec2/securityGroup:SecurityGroup", "runners-network-cluster").inputs;
        const own = { protocol: "tcp", self: true };
        expect(group.ingress).toMatchObject([
            { ...own, fromPort: 8765, toPort: 8765 },
            { ...own, fromPort: 10245, toPort: 10245 },
        ]);
        for (const { inputs } of mocks.of(instanceType)) {
            expect(inputs.vpcSecurityGroupIds).toContain("runners-network-cluster-id");
        }
        const parameters = mocks.of("aws:ssm/parameter:Parameter").map(({ inputs }) => inputs);
        const members = parameters.find(
            ({ name }) => name === "/native-buildx/native-buildx/prod/runners/compile-cluster/members",
        );
        // The AWS provider takes every value for a secret.
        expect(members?.value).toMatchObject({
            value: ["amd64", "arm64", "arm64-c6g-xlarge"].map((name) => `${name} address-of-runners-${name}`).join(","),
        });
        const policies = mocks
            .of("aws:iam/rolePolicy:RolePolicy")
            .filter(({ inputs }) => inputs.name === "compile-cluster")
            .map(({ inputs }) => JSON.parse(String(inputs.policy)));
        expect(policies).toHaveLength(2);
        const [{ Statement }] = policies;
        const readable = parameters.filter(({ name }) => String(name).includes("/compile-cluster/"));
        expect(Statement).toMatchObject([{ Action: ["ssm:GetParameter"] }]);
        expect(Statement[0].Resource).toHaveLength(readable.length);
    });

    it("are in no compile cluster where nothing says so", async () => {
        const { runners } = make();
        await settled();
        expect(runners.map(({ inCluster }) => inCluster)).toEqual([false, false]);
        expect(mocks.resources.filter(({ name }) => name.includes("cluster"))).toEqual([]);
    });

    it.each([{}, { emulateOn: { "linux/arm64": "linux/amd64" }, nativeCompilers: false }] as Ec2RunnersArgs[])(
        "have no more than keys in parameters with %j",
        async (args) => {
            make(args);
            await settled();
            const types = mocks.of("aws:ssm/parameter:Parameter").map(({ inputs }) => inputs.type);
            expect(types).toEqual(["SecureString", "SecureString"]);
        },
    );

    it("have arguments that no setting has, where these are transformed", async () => {
        const infos: unknown[] = [];
        make({
            platforms: ["linux/arm64"],
            fallbackInstanceTypes: { "linux/arm64": ["c6g.xlarge"] },
            tags: { team: "a" },
            transform: {
                instance: (args, info) => {
                    infos.push(info);
                    return { ...args, disableApiTermination: true };
                },
                volume: (args, { runner }) => ({ ...args, iops: 6000, tags: { ...args.tags, runner } }),
                securityGroup: (args, { name }) => ({ ...args, description: `BuildKit of ${name}` }),
            },
        });
        await settled();
        const instances = mocks.of(instanceType).map(({ inputs }) => inputs);
        expect(instances.map((inputs) => `${inputs.instanceType} ${inputs.disableApiTermination}`).sort()).toEqual([
            "c6g.xlarge true",
            "c7g.xlarge true",
        ]);
        const arm64 = { runner: "arm64", platform: "linux/arm64" };
        expect(infos).toEqual([arm64, arm64]);
        expect(mocks.one("aws:ebs/volume:Volume").inputs).toMatchObject({
            size: 30,
            iops: 6000,
            tags: { team: "a", Name: "runners-arm64-cache", runner: "arm64" },
        });
        expect(mocks.one("aws:ec2/securityGroup:SecurityGroup").inputs).toMatchObject({
            name: "native-buildx-prod-runners-network",
            description: "BuildKit of runners-network",
        });
    });

    it("say what AWS has to allow their clients", async () => {
        const access = await resolved(make({ platforms: ["linux/arm64"] }).access);
        expect(access.map(({ Sid, Action }) => `${Sid} ${Action}`)).toEqual([
            "Wake ec2:StartInstances",
            "SeeStates ec2:DescribeInstances",
            "ReadKeys ssm:GetParameter",
        ]);
    });

    it("let callers in for a time, where that is set: instances, policies and connect have one group for it", async () => {
        const made = make({ platforms: ["linux/arm64"], allowedCidrs: [], openForCallerMinutes: 30 });
        const access = await resolved(made.access);
        expect(access.map(({ Sid }) => Sid)).toEqual(
            expect.arrayContaining(["OpenPort", "ClosePort", "SeeCallers", "NameFirstCaller", "NameCallers"]),
        );
        const [node] = await Promise.all(made.runners.map((runner) => resolved(runner.node)));
        expect(node?.variables).toMatchObject({
            callers_group: "runners-network-callers-id",
            open_seconds: "1800",
            address_url: "https://checkip.amazonaws.com",
        });
        await settled();
        expect(mocks.one(instanceType).inputs.vpcSecurityGroupIds).toContain("runners-network-callers-id");
        expect(mocks.one("aws:iam/rolePolicy:RolePolicy").inputs.policy).toContain("RevokeSecurityGroupIngress");
    });

    it.each<[string, Ec2RunnersArgs, RegExp]>([
        [
            "an address that is none",
            { callerAddressUrl: "checkip" },
            /^callerAddressUrl "checkip": an address that answers/m,
        ],
        ["no caller", { allowedCidrs: [] }, /^allowedCidrs/m],
        ["a network that is none", { vpc: "here" }, /^vpc "here": a subnet's id looks like/m],
        ["a wrong number", { idleMinutes: -1 }, /^idleMinutes: must be a number of minutes/m],
        [
            "a platform that has no runner to emulate on",
            { platforms: ["linux/arm64"], emulateOn: { "linux/arm64": "linux/amd64" } },
            /^emulateOn of linux\/arm64: there is no runner for linux\/amd64; add it to platforms or name another$/m,
        ],
        [
            "a platform that EC2 has no machines of, and nothing that emulates it",
            { platforms: ["linux/arm64", "linux/riscv64"] },
            /^emulateOn of linux\/riscv64: EC2 has no machines of linux\/riscv64; name the platform whose runner emulates it, linux\/amd64 or linux\/arm64, or take it out of platforms$/m,
        ],
        [
            "a platform that emulates, and is emulated itself",
            {
                platforms: ["linux/arm/v7", "linux/riscv64"],
                emulateOn: { "linux/riscv64": "linux/arm/v7" } as Ec2RunnersArgs["emulateOn"],
            },
            /emulateOn\["linux\/riscv64"\]: there is no "linux\/arm\/v7"; use one of: linux\/amd64, linux\/arm64/,
        ],
        [
            "an instance type of a platform that EC2 has no machines of",
            { instanceTypes: { "linux/riscv64": "c7g.large" } },
            /instanceTypes\["linux\/riscv64"\]: no such platform here; use: linux\/amd64, linux\/arm64/,
        ],
    ])("are refused with %s", (_what, args, reason) => {
        expect(() => make(args)).toThrow(reason);
    });
});
