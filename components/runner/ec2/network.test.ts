import * as pulumi from "@pulumi/pulumi";
import { type AwsMocks, mockAws, resolved, settled } from "../../../tests/helpers/awsMocks";
import { Network, networkProblems, theDefaultVpc } from "./network";

const mine = ["203.0.113.7/32"];

describe("Network", () => {
    let mocks: AwsMocks;
    beforeEach(async () => {
        mocks = await mockAws();
    });

    it("takes the default VPC's subnets, in the order of their zones", async () => {
        const network = new Network("net", { allowedCidrs: mine });
        expect(await resolved(network.zones)).toEqual(["eu-central-1a", "eu-central-1b"]);
        expect(await resolved(network.subnetIn("eu-central-1a"))).toBe("subnet-0a");
        expect(await resolved(network.subnetIn("eu-central-1b"))).toBe("subnet-0b");
        expect(await resolved(network.vpcId)).toBe("vpc-default");
    });

    it("says what to do where the region has no default VPC", () => {
        expect(() => theDefaultVpc([])).toThrow(
            'vpc "default": this region has no default VPC. Set vpc to "new" or to a subnet\'s id',
        );
    });

    it("takes the subnet that is named", async () => {
        const network = new Network("net", { vpc: { subnetId: "subnet-0b" }, allowedCidrs: mine });
        expect(await resolved(network.zones)).toEqual(["eu-central-1b"]);
        expect(await resolved(network.subnetIn("eu-central-1b"))).toBe("subnet-0b");
        expect(await resolved(network.vpcId)).toBe("vpc-of-subnet");
    });

    it("makes a VPC with two public subnets and a way out, where that is wanted", async () => {
        const network = new Network("net", { vpc: "new", allowedCidrs: mine });
        expect(await resolved(network.vpcId)).toBe("net-id");
        expect(await resolved(network.zones)).toEqual(["eu-central-1a", "eu-central-1b"]);
        expect(await resolved(network.subnetIn("eu-central-1b"))).toBe("net-2-id");
        await settled();
        expect(mocks.of("aws:ec2/subnet:Subnet").map(({ inputs }) => inputs)).toEqual([
            expect.objectContaining({ availabilityZone: "eu-central-1a", cidrBlock: "10.46.0.0/20" }),
            expect.objectContaining({ availabilityZone: "eu-central-1b", cidrBlock: "10.46.16.0/20" }),
        ]);
        expect(mocks.one("aws:ec2/defaultRouteTable:DefaultRouteTable").inputs).toMatchObject({
            defaultRouteTableId: "rtb-main",
            routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: "net-id" }],
        });
        expect(mocks.resources.map(({ type }) => type)).not.toContain("aws:ec2/natGateway:NatGateway");
    });

    it("admits the named ranges to the BuildKit port, and nobody else anywhere", async () => {
        new Network("net", { allowedCidrs: [...mine, "2001:db8::/32"], port: 4000 });
        await settled();
        const port = { description: "BuildKit", protocol: "tcp", fromPort: 4000, toPort: 4000 };
        expect(mocks.one("aws:ec2/securityGroup:SecurityGroup").inputs.ingress).toEqual([
            { ...port, cidrBlocks: ["203.0.113.7/32"] },
            { ...port, ipv6CidrBlocks: ["2001:db8::/32"] },
        ]);
    });

    it("takes the whole internet with a warning", async () => {
        const warn = jest.spyOn(pulumi.log, "warn").mockResolvedValue();
        new Network("net", { allowedCidrs: ["0.0.0.0/0"] });
        await settled();
        expect(warn.mock.calls.map(([message]) => message)).toEqual([
            expect.stringMatching(/^allowedCidrs 0.0.0.0\/0: /),
        ]);
        warn.mockRestore();
    });

    it("shows how to allow one's own address when nobody is", () => {
        expect(() => new Network("net", { allowedCidrs: [] })).toThrow("pulumi config set --path 'allowedCidrs[0]'");
        expect(() => new Network("net", { allowedCidrs: [] })).toThrow("pulumi config set openForCallerMinutes 60");
    });

    it("has a group of its own for callers who come for a time, whose rules are not Pulumi's", async () => {
        const network = new Network("net", { allowedCidrs: [], openForCallerMinutes: 60, tags: { team: "a" } });
        expect(await resolved(network.securityGroupIds)).toEqual([expect.any(String), "net-callers-id"]);
        await settled();
        const type = "aws:ec2/securityGroup:SecurityGroup";
        expect(mocks.one(type, "net").inputs.ingress).toEqual([]);
        const { inputs } = mocks.one(type, "net-callers");
        expect(inputs).toMatchObject({
            vpcId: "vpc-default",
            tags: { team: "a" },
            name: "native-buildx-prod-net-callers",
        });
        expect(Object.keys(inputs)).not.toContain("ingress");
    });

    it("has one group where nobody comes for a time", async () => {
        const network = new Network("net", { allowedCidrs: mine });
        expect(await resolved(network.securityGroupIds)).toHaveLength(1);
        await settled();
        expect(mocks.of("aws:ec2/securityGroup:SecurityGroup")).toHaveLength(1);
    });
});

describe("networkProblems", () => {
    it.each([
        "203.0.113.7/32",
        "10.0.0.0/8",
        "0.0.0.0/0",
        "::/0",
        "2001:db8::/32",
        "2001:db8:1:2:3:4:5:6/128",
        "::ffff:192.0.2.0/120",
    ])("takes %s", (cidr) => {
        expect(networkProblems({ allowedCidrs: [cidr] })).toEqual([]);
    });

    it.each([
        ["203.0.113.7", "203.0.113.7/32 is that address alone"],
        ["203.0.113.7/24", "bits after its first 24"],
        ["203.0.113.0/33", "prefix is missing or wrong"],
        ["203.0.113/24", "not an address range"],
        ["2001:db8::1/64", "bits after its first 64"],
        ["home", "not an address range"],
        ["10.0.0.0/8/9", "not an address range"],
    ])("refuses %s", (cidr, reason) => {
        expect(networkProblems({ allowedCidrs: [cidr] })).toEqual([expect.stringContaining(reason)]);
    });

    it("takes no range at all where callers come for a time", () => {
        expect(networkProblems({ allowedCidrs: [], openForCallerMinutes: 1 })).toEqual([]);
    });

    it("refuses a port that the nodes of its compile cluster have, and no other", () => {
        const problems = (port: number, compileCluster: boolean) =>
            networkProblems({ allowedCidrs: mine, port, compileCluster });
        const mistake =
            "buildkitPort 10245: the nodes of the compile cluster listen on it. Choose another for BuildKit";
        expect([problems(10245, true), problems(10245, false), problems(9753, true)]).toEqual([[mistake], [], []]);
    });

    it("reports everything at once, each with its setting", () => {
        const vpc = { subnetId: "net" };
        expect(
            networkProblems({
                allowedCidrs: ["x", "y"],
                openForCallerMinutes: 1,
                port: 0,
                vpc,
                usePrivateAddress: true,
            }),
        ).toEqual([
            expect.stringMatching(/^openForCallerMinutes with usePrivateAddress: .*allowedCidrs/),
            expect.stringMatching(/^allowedCidrs "x"/),
            expect.stringMatching(/^allowedCidrs "y"/),
            expect.stringMatching(/^buildkitPort 0/),
            expect.stringMatching(/^vpc "net"/),
        ]);
    });
});
