import { execFileSync } from "node:child_process";
import { connect } from "node:net";
import {
    AttachVolumeCommand,
    CreateVolumeCommand,
    DeleteVolumeCommand,
    DescribeVolumesCommand,
    DetachVolumeCommand,
    GetConsoleOutputCommand,
    RebootInstancesCommand,
    StartInstancesCommand,
    StopInstancesCommand,
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
import { canSimulate, eventually, leftovers, Simulation } from "./simulation";

jest.setTimeout(180_000);

const serve = `#!/bin/sh
echo "this is user data of $(hostname)"
date +%s%N >>/root/ran
cat >/etc/systemd/system/serve.service <<'UNIT'
[Service]
ExecStart=/usr/bin/python3 -c "import socket; s = socket.create_server(('', 9753)); [s.accept() for _ in iter(int, 1)]"
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --now serve
`;

/** Whether a TCP connection comes about. */
function connects(host: string, port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect({ host, port, timeout: 700 });
        const end = (result: boolean) => () => {
            socket.destroy();
            resolve(result);
        };
        socket.once("connect", end(true)).once("error", end(false)).once("timeout", end(false));
    });
}

(canSimulate ? describe : describe.skip)("the simulated EC2", () => {
    let sim: Simulation;
    let isStopped = false;

    beforeAll(() => {
        sim = Simulation.start({ SIM_STOPPING_SECONDS: "1.5" });
    }, 600_000);

    afterEach(async () => {
        if (sim && !isStopped) {
            await sim.setFaults({
                login_seconds: null,
                metadata_delay_seconds: 0,
                no_capacity: [],
                no_capacity_late: [],
            });
        }
    });

    afterAll(() => {
        sim?.stop();
    });

    const token =
        "curl -fsS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token";

    describe("an instance", () => {
        let id: string;

        beforeAll(async () => {
            id = await sim.launch(serve, { SecurityGroupIds: [await sim.groupFor(9753)] });
        });

        test("is pending first, then a machine that has run its user data", async () => {
            expect((await sim.describe(id)).State?.Name).toBe("pending");
            await sim.awaitBoot(id);
            const console = await eventually("console", async () => {
                const output = await sim.ec2.send(new GetConsoleOutputCommand({ InstanceId: id }));
                const text = Buffer.from(output.Output ?? "", "base64").toString();
                return text.includes("this is user data of ip-172-") ? text : undefined;
            });
            expect(console).toContain("Debian");
        });

        test("is reached on the port that its security group opens, and on no other", async () => {
            const address = (await sim.describe(id)).PublicIpAddress ?? "";
            await eventually("port 9753", async () => ((await connects(address, 9753)) ? true : undefined));
            await sim.execute(id, "systemd-run python3 -m http.server 9754; sleep 1; curl -fs http://127.0.0.1:9754");
            expect(await connects(address, 9754)).toBe(false);
        });

        test("asks the metadata service with a token or not at all", async () => {
            const plain = "curl -s -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta-data/instance-id";
            expect((await sim.execute(id, plain)).stdout).toBe("401");
            const withToken = `curl -s -H "X-aws-ec2-metadata-token: $(${token})" http://169.254.169.254/latest/meta-data/instance-id`;
            expect((await sim.execute(id, withToken)).stdout).toBe(id);
        });

        test("keeps the metadata service from a container one hop away", async () => {
            const container = `
                sysctl -qw net.ipv4.ip_forward=1
                ip netns add c && ip link add v type veth peer name eth0 netns c
                ip address add 10.9.0.1/24 dev v && ip link set v up
                ip -n c address add 10.9.0.2/24 dev eth0 && ip -n c link set eth0 up && ip -n c route add default via 10.9.0.1
                iptables -t nat -A POSTROUTING -s 10.9.0.0/24 -o ens5 -j MASQUERADE
                ip netns exec c curl -s --max-time 3 -o /dev/null -w '%{http_code} ' http://169.254.169.254/latest/meta-data/
                ip netns exec c ${token} --max-time 3 || echo "no token"`;
            // The request gets out (401: no token), the answer with the token does not get back.
            expect((await sim.execute(id, container)).stdout).toBe("401 no token\n");
        });

        test("cannot be started while it is stopping; started again it has its disk and a new address", async () => {
            const before = await sim.describe(id);
            await sim.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
            await expect(sim.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }))).rejects.toMatchObject({
                name: "IncorrectInstanceState",
            });
            const stopped = await sim.awaitState(id, "stopped");
            expect(stopped.PublicIpAddress).toBeUndefined();
            expect(stopped.StateReason?.Code).toBe("Client.UserInitiatedShutdown");

            const started = await sim.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
            expect(started.StartingInstances?.[0]?.CurrentState?.Name).toBe("pending");
            const after = await sim.awaitState(id, "running");
            expect(after.PublicIpAddress).not.toBe(before.PublicIpAddress);
            expect(after.PrivateIpAddress).toBe(before.PrivateIpAddress);
            const address = after.PublicIpAddress ?? "";
            await eventually("port 9753", async () => ((await connects(address, 9753)) ? true : undefined));
            await sim.execute(id, "systemctl is-system-running --wait");
            expect((await sim.execute(id, "wc -l </root/ran")).stdout.trim()).toBe("1");
        });

        test("reboots with its address", async () => {
            const before = await sim.describe(id);
            const bootTime = () => sim.execute(id, "systemctl show --property=UserspaceTimestampMonotonic");
            const first = (await bootTime()).stdout;
            await sim.ec2.send(new RebootInstancesCommand({ InstanceIds: [id] }));
            await eventually("another boot", async () => {
                const now = await bootTime().catch(() => undefined);
                return now?.status === 0 && now.stdout !== first ? true : undefined;
            });
            expect((await sim.describe(id)).PublicIpAddress).toBe(before.PublicIpAddress);
        });

        test("that powers itself off is stopped", async () => {
            await sim.execute(id, "systemctl poweroff");
            const stopped = await sim.awaitState(id, "stopped");
            expect(stopped.StateReason).toEqual({
                Code: "Client.InstanceInitiatedShutdown",
                Message: "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
            });
        });

        test("is not started where there is no capacity for its type", async () => {
            await sim.setFaults({ no_capacity: ["c7i.*"] });
            const start = () => sim.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
            await expect(start()).rejects.toMatchObject({ name: "InsufficientInstanceCapacity" });
            await expect(sim.launch("#!/bin/sh\n")).rejects.toMatchObject({ name: "InsufficientInstanceCapacity" });

            await sim.setFaults({ no_capacity: [], no_capacity_late: ["c7i.*"] });
            await start();
            expect((await sim.describe(id)).State?.Name).toBe("pending");
            const fallen = await sim.awaitState(id, "stopped");
            expect(fallen.StateReason?.Code).toBe("Server.InsufficientInstanceCapacity");
        });

        test("that is terminated is gone, and cannot be started", async () => {
            await sim.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
            await sim.awaitState(id, "terminated");
            await expect(sim.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }))).rejects.toMatchObject({
                name: "IncorrectInstanceState",
            });
            const account = await sim.account();
            const region = sim.environment.AWS_REGION;
            expect(account[`${region} instances`]).toEqual([]);
            expect(account[`${region} volumes`]).toEqual([]);
            expect(account[`${region} networkInterfaces`]).toEqual([]);
        });
    });

    test("an image of another architecture than the type's is refused", async () => {
        await expect(sim.launch("#!/bin/sh\n", { InstanceType: "c7g.xlarge" })).rejects.toMatchObject({
            name: "InvalidParameterValue",
        });
        await expect(sim.launch("#!/bin/sh\n", { ImageId: "ami-00000000000000000" })).rejects.toMatchObject({
            name: expect.stringContaining("InvalidAMIID"),
        });
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
        const iam = new IAMClient({
            endpoint: sim.environment.AWS_ENDPOINT_URL,
            region: "us-east-1",
            credentials: await sim.ec2.config.credentials(),
        });
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

        const call = (secret: string) => `
            token=$(${token})
            get() { curl -fsS -H "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/meta-data/$1"; }
            credentials=$(get iam/security-credentials/$(get iam/security-credentials/))
            of() { printf %s "$credentials" | sed -n "s/.*\\"$1\\": \\"\\(.*\\)\\".*/\\1/p"; }
            curl -sS --aws-sigv4 aws:amz:${sim.environment.AWS_REGION}:ssm --user "$(of AccessKeyId):${secret}" \\
                -H "X-Amz-Security-Token: $(of Token)" -H 'X-Amz-Target: AmazonSSM.GetParameter' \\
                -H 'Content-Type: application/x-amz-json-1.1' -d '{"Name":"/test/key","WithDecryption":true}' \\
                https://ssm.${sim.environment.AWS_REGION}.amazonaws.com/`;
        expect((await sim.execute(id, call("$(of SecretAccessKey)"))).stdout).toContain('"Value": "hidden"');
        expect((await sim.execute(id, call("wrong"))).stdout).toContain("SignatureDoesNotMatch");

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
        const ecr = new ECRClient({
            endpoint: sim.environment.AWS_ENDPOINT_URL,
            region: sim.environment.AWS_REGION,
            credentials: await sim.ec2.config.credentials(),
        });
        const made = await ecr.send(
            new CreateRepositoryCommand({ repositoryName: "team/app", imageTagMutability: "IMMUTABLE" }),
        );
        const url = made.repository?.repositoryUri ?? "";
        const crane = async (...args: string[]) => {
            const token = (await ecr.send(new GetAuthorizationTokenCommand({}))).authorizationData?.[0]
                ?.authorizationToken;
            const folder = execFileSync("mktemp", ["-d"], { encoding: "utf8" }).trim();
            const config = JSON.stringify({ auths: { [url.split("/")[0] ?? ""]: { auth: token } } });
            execFileSync("sh", ["-c", 'printf %s "$1" >"$2/config.json"', "sh", config, folder]);
            return () =>
                execFileSync("crane", args, {
                    encoding: "utf8",
                    env: { ...process.env, ...sim.environment, DOCKER_CONFIG: folder },
                    stdio: ["ignore", "pipe", "pipe"],
                });
        };
        const layer = (text: string) => {
            const file = execFileSync("mktemp", { encoding: "utf8" }).trim();
            execFileSync("sh", [
                "-c",
                'd=$(mktemp -d); echo "$1" >"$d/file"; tar -C "$d" -cf "$2" file; rm -r "$d"',
                "sh",
                text,
                file,
            ]);
            return file;
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

    test("the metadata service can be slow to answer: the machine waits for it", async () => {
        await sim.setFaults({ metadata_delay_seconds: 8 });
        const started = Date.now();
        const id = await sim.launch(serve);
        await sim.awaitBoot(id);
        expect(Date.now() - started).toBeGreaterThan(8000);
        await sim.pullThePlug(id);
        await sim.awaitState(id, "stopped");
        await sim.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    });

    test("nothing is left when it has ended, machines that run included", async () => {
        await sim.awaitState(await sim.launch(serve), "running");
        expect(leftovers(sim.slot)).not.toEqual([]);
        sim.stop();
        isStopped = true;
        expect(leftovers(sim.slot)).toEqual([]);
    });
});
