import { connect } from "node:net";
import {
    GetConsoleOutputCommand,
    RebootInstancesCommand,
    StartInstancesCommand,
    StopInstancesCommand,
    TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { canSimulate, eventually, leftovers, Simulation } from "..";
import { serve, token } from "./userData";

jest.setTimeout(180_000);

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

(canSimulate ? describe : describe.skip)("the simulated EC2's instances", () => {
    let sim: Simulation;
    let isStopped = false;

    beforeAll(() => {
        sim = Simulation.start({ SIM_STOPPING_SECONDS: "1.5" });
    }, 600_000);

    afterEach(async () => {
        if (sim && !isStopped) {
            await sim.setFaults({
                metadata_delay_seconds: 0,
                no_capacity: [],
                no_capacity_late: [],
                pending_seconds: null,
            });
        }
    });

    afterAll(() => {
        sim?.stop();
    });

    describe("an instance", () => {
        let id: string;

        beforeAll(async () => {
            // So that it can be seen, however busy this machine is.
            await sim.setFaults({ pending_seconds: 8 });
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

            await sim.setFaults({ no_capacity: [], no_capacity_late: ["c7i.*"], pending_seconds: 8 });
            await start();
            expect((await sim.describe(id)).State?.Name).toBe("pending");
            const fallen = await sim.awaitState(id, "stopped");
            expect(fallen.StateReason?.Code).toBe("Server.InsufficientInstanceCapacity");
        });

        test("shows no state without its reason, however often it is read while they change", async () => {
            await sim.setFaults({ no_capacity_late: ["c7i.*"], pending_seconds: 0.02 });
            const reasons = new Set<string | undefined>();
            for (let start = 0; start < 50; start++) {
                await sim.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
                for (let isOver = false; !isOver; ) {
                    const reads = await Promise.all([sim.describe(id), sim.describe(id), sim.describe(id)]);
                    const stopped = reads.filter(({ State }) => State?.Name === "stopped");
                    for (const { StateReason } of stopped) {
                        reasons.add(StateReason?.Code);
                    }
                    isOver = stopped.length > 0;
                }
            }
            expect([...reasons]).toEqual(["Server.InsufficientInstanceCapacity"]);
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
