import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { StopInstancesCommand } from "@aws-sdk/client-ec2";
import { canSimulate, Simulation } from "../simulation";

jest.setTimeout(300_000);

const run = promisify(execFile);

const beginning = `
    import * as aws from "@pulumi/aws";
`;

/** One of each kind of resource that matters, as a program would have it. */
const program = `
    const zone = aws.getRegionOutput().region.apply((region) => region + "a");
    const vpc = new aws.ec2.Vpc("vpc", { cidrBlock: "10.46.0.0/16", enableDnsHostnames: true });
    const gateway = new aws.ec2.InternetGateway("gateway", {});
    const gatewayAttachment = new aws.ec2.InternetGatewayAttachment("gateway", {
        vpcId: vpc.id, internetGatewayId: gateway.id,
    });
    new aws.ec2.DefaultRouteTable("routes", {
        defaultRouteTableId: vpc.defaultRouteTableId, routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: gateway.id }],
    }, { dependsOn: gatewayAttachment });
    const subnet = new aws.ec2.Subnet("subnet", {
        vpcId: vpc.id, availabilityZone: zone, cidrBlock: "10.46.0.0/20", mapPublicIpOnLaunch: true,
    });
    const group = new aws.ec2.SecurityGroup("group", {
        vpcId: vpc.id, description: "test",
        ingress: [{ protocol: "tcp", fromPort: 9753, toPort: 9753, cidrBlocks: ["198.18.0.1/32"], description: "BuildKit" }],
        egress: [{ protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["0.0.0.0/0"] }],
    });
    const role = new aws.iam.Role("role", { assumeRolePolicy: { Version: "2012-10-17", Statement: [
        { Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com" } }] } });
    new aws.iam.RolePolicy("policy", { role: role.name, policy: JSON.stringify({ Version: "2012-10-17", Statement: [
        { Effect: "Allow", Action: "ssm:GetParameter", Resource: "*" }] }) });
    const profile = new aws.iam.InstanceProfile("profile", { role: role.name });
    const parameter = new aws.ssm.Parameter("parameter", { name: "/test/p", type: "SecureString", value: "hidden" });
    const volume = new aws.ebs.Volume("volume", { availabilityZone: zone, size: SIZE, type: "gp3", encrypted: true });
    const instance = new aws.ec2.Instance("instance", {
        ami: aws.ssm.getParameterOutput({ name: "/aws/service/debian/release/13/latest/amd64" }).value,
        instanceType: "c7i.xlarge", subnetId: subnet.id, vpcSecurityGroupIds: [group.id],
        iamInstanceProfile: profile.name, associatePublicIpAddress: true, userDataBase64: Buffer.from("#!/bin/sh\\necho USERDATA\\n").toString("base64"),
        userDataReplaceOnChange: true, instanceInitiatedShutdownBehavior: "stop",
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        rootBlockDevice: { volumeType: "gp3", volumeSize: 16, encrypted: true, deleteOnTermination: true },
        tags: { Name: "test" },
    }, { deleteBeforeReplace: true, ignoreChanges: ["ami", "associatePublicIpAddress"] });
    new aws.ec2.VolumeAttachment("attachment", {
        deviceName: "/dev/sdf", instanceId: instance.id, volumeId: volume.id, stopInstanceBeforeDetaching: true,
    }, { deleteBeforeReplace: true });
    export const id = instance.id;
    export const volumeId = volume.id;
    export const value = parameter.value;
`;

(canSimulate ? describe : describe.skip)("the test provider", () => {
    let sim: Simulation;
    let folder: string;
    const before: { [kind: string]: string[] } = {};

    beforeAll(async () => {
        sim = Simulation.start();
        Object.assign(before, await sim.account());
        folder = mkdtempSync(path.join(tmpdir(), "provider-"));
        const packages = path.resolve(require.resolve("@pulumi/pulumi/package.json"), "../../..");
        symlinkSync(packages, path.join(folder, "node_modules"));
        writeFileSync(
            path.join(folder, "Pulumi.yaml"),
            "name: provider\nruntime: { name: nodejs, options: { typescript: false, nodeargs: --import=tsx } }\nmain: index.ts\n",
        );
        await pulumi("stack", "init", "test");
        await pulumi("config", "set", "aws:region", sim.environment.AWS_REGION ?? "");
    }, 600_000);

    afterAll(() => {
        sim?.stop();
        if (folder) {
            rmSync(folder, { recursive: true });
        }
    });

    async function pulumi(...args: string[]): Promise<string> {
        const env = { ...process.env, ...sim.environment };
        try {
            return (await run("pulumi", [...args, "--non-interactive"], { cwd: folder, env })).stdout;
        } catch (error) {
            const { stdout, stderr } = error as { stdout: string; stderr: string };
            throw new Error(`pulumi ${args.join(" ")}\n${stdout}\n${stderr}`);
        }
    }

    function write(text: string): void {
        writeFileSync(path.join(folder, "index.ts"), beginning + text);
    }

    const up = (...more: string[]) => pulumi("up", "--yes", "--skip-preview", ...more);
    const output = async (name: string) => (await pulumi("stack", "output", name)).trim();
    const written = (userData = "one", size = 5) => program.replace("USERDATA", userData).replace("SIZE", String(size));

    test("makes everything in the account, once", async () => {
        write(written());
        expect(await up()).toMatch(/\+ \d+ created/);
        expect(await output("value")).toBe("[secret]");
        await sim.awaitBoot(await output("id"));
        expect(await up()).toMatch(/Resources:\n +\d+ unchanged\n/);
    });

    test("refreshes a stopped instance without wanting another", async () => {
        const id = await output("id");
        await sim.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
        await sim.awaitState(id, "stopped");
        expect(await up("--refresh")).not.toMatch(/replaced/);
        expect(await output("id")).toBe(id);
        expect((await sim.describe(id)).State?.Name).toBe("stopped");
    });

    test("replaces the instance when its user data changes, and the volume moves over; a volume grows in place", async () => {
        const [id, volumeId] = [await output("id"), await output("volumeId")];
        write(written("two", 6));
        await up();
        const next = await output("id");
        expect(next).not.toBe(id);
        expect((await sim.describe(id)).State?.Name).toBe("terminated");
        expect(await output("volumeId")).toBe(volumeId);
        await sim.awaitBoot(next);
        const device = `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volumeId.replace("-", "")}`;
        expect((await sim.execute(next, `blockdev --getsize64 ${device}`)).stdout.trim()).toBe(String(6 * 2 ** 30));
    });

    test.each([
        ["a resource type", 'new aws.s3.Bucket("bucket");', /does not handle the resource type aws:s3/],
        [
            "a property",
            'new aws.ebs.Volume("other", { availabilityZone: "eu-central-1a", size: 1, multiAttachEnabled: true });',
            /multiAttachEnabled/,
        ],
        [
            "a nested property",
            'new aws.ec2.Instance("other", { metadataOptions: { httpProtocolIpv6: "enabled" } });',
            /metadataOptions.httpProtocolIpv6/,
        ],
        ["a function", "aws.ec2.getAmiOutput({ owners: ['self'] });", /does not handle the function aws:ec2\/getAmi/],
    ])("refuses %s that it does not handle, by name", async (_what, addition, message) => {
        write(written("two", 6) + addition);
        await expect(up()).rejects.toThrow(message);
    });

    test("removes everything", async () => {
        write(written("two", 6));
        await pulumi("destroy", "--yes", "--skip-preview");
        expect(await sim.account()).toEqual(before);
    });
});
