import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import {
    AttachVolumeCommand,
    AuthorizeSecurityGroupIngressCommand,
    CreateTagsCommand,
    CreateVolumeCommand,
    DeleteTagsCommand,
    DeleteVolumeCommand,
    DescribeVolumesCommand,
    DetachVolumeCommand,
    RevokeSecurityGroupIngressCommand,
    TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { CreateRepositoryCommand, ECRClient, GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr";
import {
    AddRoleToInstanceProfileCommand,
    CreateInstanceProfileCommand,
    CreateRoleCommand,
    IAMClient,
} from "@aws-sdk/client-iam";
import { PutParameterCommand } from "@aws-sdk/client-ssm";
import { canSimulate, eventually, Simulation } from "..";
import { serve, token } from "./userData";

jest.setTimeout(180_000);

(canSimulate ? describe : describe.skip)("the simulated EC2's services", () => {
    let sim: Simulation;
    let folder: string;

    beforeAll(() => {
        sim = Simulation.start();
        folder = mkdtempSync(path.join(tmpdir(), "simulated-"));
    }, 600_000);

    afterAll(() => {
        sim?.stop();
        if (folder) {
            rmSync(folder, { recursive: true });
        }
    });

    test("a security group has a rule once, sixty of them, and tags for those that there are", async () => {
        const GroupId = await sim.groupFor(9000);
        const rule = (CidrIp: string) => ({ IpProtocol: "tcp", FromPort: 80, ToPort: 80, IpRanges: [{ CidrIp }] });
        const admit = (...cidrs: string[]) =>
            sim.ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: cidrs.map(rule) }));
        const { SecurityGroupRules } = await admit("192.0.2.1/32");
        const id = SecurityGroupRules?.[0]?.SecurityGroupRuleId ?? "";
        await expect(admit("192.0.2.1/32")).rejects.toMatchObject({ name: "InvalidPermission.Duplicate" });
        await expect(admit(...Array.from({ length: 59 }, (_, at) => `198.51.100.${at}/32`))).rejects.toMatchObject({
            name: "RulesPerSecurityGroupLimitExceeded",
        });

        const tag = { Resources: [id], Tags: [{ Key: "a", Value: "b" }] };
        const revoke = () =>
            sim.ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, SecurityGroupRuleIds: [id] }));
        await sim.ec2.send(new CreateTagsCommand(tag));
        await revoke();
        const gone = { name: "InvalidSecurityGroupRuleId.NotFound" };
        await expect(revoke()).rejects.toMatchObject(gone);
        await expect(sim.ec2.send(new CreateTagsCommand(tag))).rejects.toMatchObject(gone);
        await expect(sim.ec2.send(new DeleteTagsCommand(tag))).rejects.toMatchObject(gone);
    });

    test("says to whoever asks which address the request came from", async () => {
        const answer = await (await fetch(sim.environment.SIM_ADDRESS_URL ?? "")).text();
        expect(`${answer.trim()}/32`).toBe(sim.environment.SIM_CLIENT_CIDR);
    });

    test("a volume follows from one machine to the next of its zone, and to one only", async () => {
        const zone = `${sim.environment.AWS_REGION}a`;
        const make = async (AvailabilityZone: string) =>
            (
                await sim.ec2.send(
                    new CreateVolumeCommand({ AvailabilityZone, Size: 5, VolumeType: "gp3", Encrypted: true }),
                )
            ).VolumeId ?? "";
        const [volume, elsewhere] = [await make(zone), await make(`${sim.environment.AWS_REGION}b`)];
        const placement = { Placement: { AvailabilityZone: zone } };
        const [first, second] = [await sim.launch(serve, placement), await sim.launch(serve, placement)];
        await Promise.all([sim.awaitBoot(first), sim.awaitBoot(second)]);
        const attach = (InstanceId: string, VolumeId = volume) =>
            sim.ec2.send(new AttachVolumeCommand({ Device: "/dev/sdf", InstanceId, VolumeId }));
        const state = async () =>
            (await sim.ec2.send(new DescribeVolumesCommand({ VolumeIds: [volume] }))).Volumes?.[0]?.State;
        const device = `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volume.replace("-", "")}`;

        await expect(attach(first, elsewhere)).rejects.toMatchObject({ name: "InvalidVolume.ZoneMismatch" });
        await attach(first);
        await expect(attach(second)).rejects.toMatchObject({ name: "VolumeInUse" });
        const written = await sim.execute(
            first,
            `mkfs.ext4 -q ${device} && mount ${device} /mnt && echo kept >/mnt/file`,
        );
        expect(written).toMatchObject({ status: 0 });
        await expect(sim.ec2.send(new DeleteVolumeCommand({ VolumeId: volume }))).rejects.toMatchObject({
            name: "VolumeInUse",
        });

        // Mounted: the detachment waits until the file system lets go.
        await sim.ec2.send(new DetachVolumeCommand({ VolumeId: volume }));
        expect(await state()).toBe("in-use");
        await sim.execute(first, "umount /mnt");
        await eventually("volume available", async () => ((await state()) === "available" ? true : undefined));

        await attach(second);
        expect((await sim.execute(second, `mount ${device} /mnt && cat /mnt/file; blkid ${device}`)).stdout).toContain(
            "kept",
        );
        await sim.ec2.send(new TerminateInstancesCommand({ InstanceIds: [first, second] }));
        await Promise.all([sim.awaitState(first, "terminated"), sim.awaitState(second, "terminated")]);
        expect(await state()).toBe("available");
        for (const VolumeId of [volume, elsewhere]) {
            await sim.ec2.send(new DeleteVolumeCommand({ VolumeId }));
        }
    });

    test("a machine calls the API as its role, with a signature that is checked, and each call is recorded", async () => {
        const iam = new IAMClient(sim.client);
        const service = { Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com" } };
        await iam.send(
            new CreateRoleCommand({
                RoleName: "reader",
                AssumeRolePolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [service] }),
            }),
        );
        await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: "reader" }));
        await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: "reader", RoleName: "reader" }));
        await sim.ssm.send(new PutParameterCommand({ Name: "/test/key", Type: "SecureString", Value: "hidden" }));
        const id = await sim.launch(serve, { IamInstanceProfile: { Name: "reader" } });
        await sim.awaitBoot(id);

        const call = (secret: string, more = "") => `
            token=$(${token})
            get() { curl -fsS -H "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/meta-data/$1"; }
            credentials=$(get iam/security-credentials/$(get iam/security-credentials/))
            of() { printf %s "$credentials" | sed -n "s/.*\\"$1\\": \\"\\(.*\\)\\".*/\\1/p"; }
            curl -sS --aws-sigv4 aws:amz:${sim.environment.AWS_REGION}:ssm --user "$(of AccessKeyId):${secret}" \\
                -H "X-Amz-Security-Token: $(of Token)" -H 'X-Amz-Target: AmazonSSM.GetParameter' \\
                -H 'Content-Type: application/x-amz-json-1.1' ${more} -d '{"Name":"/test/key","WithDecryption":true}' \\
                https://ssm.${sim.environment.AWS_REGION}.amazonaws.com/`;
        expect((await sim.execute(id, call("$(of SecretAccessKey)"))).stdout).toContain('"Value": "hidden"');
        const refused = async (secret: string, more = "") => (await sim.execute(id, call(secret, more))).stdout;
        expect(await refused("wrong")).toMatch(/SignatureDoesNotMatch.*does not match/);
        const late = "-H 'X-Amz-Date: 20260101T000000Z'";
        expect(await refused("$(of SecretAccessKey)", late)).toMatch(/SignatureDoesNotMatch.*expired/);
        // Signed for what is not sent.
        const other = `-H 'X-Amz-Content-Sha256: ${"0".repeat(64)}'`;
        expect(await refused("$(of SecretAccessKey)", other)).toMatch(/SignatureDoesNotMatch.*does not match/);

        const calls = (await sim.calls()).filter((found) => found.principal.includes("/reader/"));
        expect(calls).toMatchObject([
            {
                action: "ssm:GetParameter",
                principal: `arn:aws:sts::123456789012:assumed-role/reader/${id}`,
                resources: [`arn:aws:ssm:${sim.environment.AWS_REGION}:123456789012:parameter/test/key`],
                status: 200,
            },
        ]);
        expect(JSON.stringify(await sim.calls())).not.toContain("hidden");
        await sim.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    });

    test("the registry wants a login that is valid, a repository that exists, and leaves immutable tags alone", async () => {
        const ecr = new ECRClient(sim.client);
        const made = await ecr.send(
            new CreateRepositoryCommand({ repositoryName: "team/app", imageTagMutability: "IMMUTABLE" }),
        );
        const url = made.repository?.repositoryUri ?? "";
        const crane = async (...args: string[]) => {
            const token = (await ecr.send(new GetAuthorizationTokenCommand({}))).authorizationData?.[0]
                ?.authorizationToken;
            const config = JSON.stringify({ auths: { [url.split("/")[0] ?? ""]: { auth: token } } });
            const login = mkdtempSync(path.join(folder, "login-"));
            writeFileSync(path.join(login, "config.json"), config);
            return () =>
                execFileSync("crane", args, {
                    encoding: "utf8",
                    env: { ...process.env, ...sim.environment, DOCKER_CONFIG: login },
                    stdio: ["ignore", "pipe", "pipe"],
                });
        };
        const layer = (text: string) => {
            writeFileSync(path.join(folder, text), text);
            execFileSync("tar", ["-C", folder, "-cf", path.join(folder, `${text}.tar`), text]);
            return path.join(folder, `${text}.tar`);
        };
        const push = (name: string, text: string) => crane("append", "-f", layer(text), "-t", name);

        (await push(`${url}:1`, "one"))();
        expect((await crane("manifest", `${url}:1`))()).toContain("layers");
        const moved = await push(`${url}:1`, "two");
        expect(moved).toThrow(/TAG_INVALID.*immutable/);
        const unknown = await push(`${url}-unknown:1`, "one");
        expect(unknown).toThrow(/NAME_UNKNOWN/);

        await sim.setFaults({ login_seconds: 1 });
        const late = await push(`${url}:2`, "three");
        await new Promise((resolve) => setTimeout(resolve, 1100));
        expect(late).toThrow(/401 Unauthorized/);
    });

    test("a machine downloads what is published, packages of its distribution, and nothing else", async () => {
        writeFileSync(path.join(folder, "tool.sh"), "echo hello\n");
        const url = sim.publish(path.join(folder, "tool.sh"));
        const id = await sim.launch("#!/bin/sh\n");
        await sim.awaitState(id, "running");
        const ready = "until ip route | grep -q default; do sleep 0.1; done";
        expect((await sim.execute(id, `${ready}; curl -fsS ${url} | sh`)).stdout).toBe("hello\n");
        expect((await sim.execute(id, `curl -sS -o /dev/null -w '%{http_code}' ${url}.sig`)).stdout).toBe("404");

        // The archive of its own apt sources, in the clear and with TLS.
        const sources = "cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null";
        const place = "sed -nE 's,^(URIs:|deb( \\[.*\\])?) +https?://([^ ]*[^ /]).*,\\3,p' | head -n 1";
        const own = (await sim.execute(id, `${sources} | ${place}`)).stdout.trim();
        for (const archive of [`http://${own}`, `https://${own}`]) {
            const release = await sim.execute(id, `curl -fsS ${archive}/dists/trixie/InRelease`);
            expect(release.stdout).toMatch(/^-----BEGIN PGP SIGNED MESSAGE-----[\s\S]*^Codename: trixie$/m);
            const none = await sim.execute(
                id,
                `curl -sS -o /dev/null -w '%{http_code}' ${archive}/dists/none/InRelease`,
            );
            expect(none.stdout).toBe("404");
        }
        await sim.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    });
});
