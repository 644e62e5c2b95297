import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import {
    AuthorizeSecurityGroupIngressCommand,
    CreateSecurityGroupCommand,
    DescribeInstancesCommand,
    EC2Client,
    type Instance,
    RunInstancesCommand,
    type RunInstancesCommandInput,
} from "@aws-sdk/client-ec2";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";

/** A request that reached the simulated API. */
export interface Call {
    time: number;
    principal: string;
    /** As policies write it: `ec2:StartInstances`. */
    action: string;
    /** ARNs of what the call names; `*`, if nothing. */
    resources: string[];
    resourceTags?: { [arn: string]: { [key: string]: string } };
    /** Roles that the call gives to instances. */
    passedRoles?: string[];
    /** Customer keys by what is encrypted with them: the parameters and volumes that the call uses. */
    keys?: { [arn: string]: string };
    /** Who an identity token is of, and what it says. */
    identity?: { provider: string; issuer: string; claims: { [name: string]: unknown } };
    region: string;
    parameters?: { [name: string]: unknown };
    status: number;
    error?: string | null;
}

/** What can be made to go wrong; see `Faults` in simulation/cloud.py. */
export interface Faults {
    no_capacity?: string[];
    no_capacity_late?: string[];
    metadata_delay_seconds?: number;
    throttled?: string[];
    unanswered?: string[];
    denied?: string[];
    slow?: { [action: string]: number };
    pending_seconds?: number | null;
    stopping_seconds?: number | null;
    login_seconds?: number | null;
    debian_release?: number;
}

export interface Executed {
    status: number;
    stdout: string;
    stderr: string;
}

/** Machines need root: without it, tests that need the simulation are skipped. */
export const canSimulate = process.getuid?.() === 0;

/** A running simulated EC2, for tests. Test equipment: see README.md. */
export class Simulation {
    readonly ec2: EC2Client;
    readonly ssm: SSMClient;

    private constructor(
        readonly slot: number,
        /** What a shell needs to use it: the values of `sim.sh env`. */
        readonly environment: { [name: string]: string },
    ) {
        const client = {
            endpoint: environment.AWS_ENDPOINT_URL,
            region: environment.AWS_REGION,
            credentials: {
                accessKeyId: environment.AWS_ACCESS_KEY_ID ?? "",
                secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? "",
            },
        };
        this.ec2 = new EC2Client(client);
        this.ssm = new SSMClient(client);
    }

    /** Starts one in a slot that is free, apart from those that people start by hand. */
    static start(settings: { [name: string]: string } = {}): Simulation {
        const slot = claimSlot();
        try {
            sim(slot, ["start"], settings);
        } catch (error) {
            rmSync(claimOf(slot));
            throw error;
        }
        const state = path.join(cacheFolder(), `slot-${slot}`, "environment.json");
        const environment = JSON.parse(readFileSync(state, "utf8")) as { [name: string]: string };
        const tools = path.resolve(__dirname, "../../tools/bin");
        const programs = [tools, process.env.PATH ?? "", environment.SIM_CLIENTS ?? ""].join(":");
        return new Simulation(slot, { ...environment, PATH: programs });
    }

    stop(): void {
        sim(this.slot, ["stop"]);
        rmSync(claimOf(this.slot), { force: true });
    }

    private async control<T>(method: string, what: string, body?: unknown): Promise<T> {
        const answer = await fetch(`${this.environment.SIM_CONTROL}/${what}`, {
            method,
            body: body === undefined ? undefined : JSON.stringify(body),
        });
        const result = (await answer.json()) as T & { error?: string };
        if (!answer.ok) {
            throw new Error(result.error);
        }
        return result;
    }

    calls(): Promise<Call[]> {
        return this.control("GET", "calls");
    }

    /** Everything in the account that somebody made. */
    account(): Promise<{ [kind: string]: string[] }> {
        return this.control("GET", "account");
    }

    setFaults(faults: Faults): Promise<unknown> {
        return this.control("PUT", "faults", faults);
    }

    /** Runs a shell command in a machine. */
    execute(instanceId: string, command: string, timeout = 60): Promise<Executed> {
        return this.control("POST", `instances/${instanceId}/execute`, { command, timeout });
    }

    /** A power cut. */
    pullThePlug(instanceId: string): Promise<unknown> {
        return this.control("POST", `instances/${instanceId}/pull-the-plug`);
    }

    async console(instanceId: string): Promise<string> {
        return (await this.control<{ console: string }>("GET", `instances/${instanceId}/console`)).console;
    }

    async image(architecture: "amd64" | "arm64"): Promise<string> {
        const name = `/aws/service/debian/release/13/latest/${architecture}`;
        return (await this.ssm.send(new GetParameterCommand({ Name: name }))).Parameter?.Value ?? "";
    }

    /** An instance with a public address, by default an amd64 one that nobody can connect to. */
    async launch(userData: string, more: Partial<RunInstancesCommandInput> = {}): Promise<string> {
        const made = await this.ec2.send(
            new RunInstancesCommand({
                MinCount: 1,
                MaxCount: 1,
                ImageId: more.ImageId ?? (await this.image("amd64")),
                InstanceType: "c7i.xlarge",
                UserData: Buffer.from(userData).toString("base64"),
                MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1 },
                ...more,
            }),
        );
        return made.Instances?.[0]?.InstanceId ?? "";
    }

    /** A security group that lets this machine in on a port. */
    async groupFor(port: number): Promise<string> {
        const GroupName = `port-${port}-${Math.random().toString(36).slice(2)}`;
        const made = await this.ec2.send(new CreateSecurityGroupCommand({ GroupName, Description: GroupName }));
        await this.ec2.send(
            new AuthorizeSecurityGroupIngressCommand({
                GroupId: made.GroupId,
                IpPermissions: [
                    {
                        IpProtocol: "tcp",
                        FromPort: port,
                        ToPort: port,
                        IpRanges: [{ CidrIp: this.environment.SIM_CLIENT_CIDR ?? "" }],
                    },
                ],
            }),
        );
        return made.GroupId ?? "";
    }

    async describe(instanceId: string): Promise<Instance> {
        const found = await this.ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
        const instance = found.Reservations?.[0]?.Instances?.[0];
        if (!instance) {
            throw new Error(`no instance ${instanceId}`);
        }
        return instance;
    }

    /** Ids of the instances of a type, terminated ones left out. */
    async instancesOf(type: string): Promise<string[]> {
        const filters = [
            { Name: "instance-type", Values: [type] },
            { Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] },
        ];
        const found = await this.ec2.send(new DescribeInstancesCommand({ Filters: filters }));
        return (found.Reservations ?? [])
            .flatMap((reservation) => reservation.Instances ?? [])
            .map((instance) => instance.InstanceId ?? "");
    }

    async awaitState(instanceId: string, wanted: string): Promise<Instance> {
        return eventually(`${instanceId} ${wanted}`, async () => {
            const instance = await this.describe(instanceId);
            return instance.State?.Name === wanted ? instance : undefined;
        });
    }

    /** Waits until the user data has come to its end. */
    async awaitBoot(instanceId: string): Promise<void> {
        await this.awaitState(instanceId, "running");
        await eventually(`${instanceId} booted`, async () => {
            const result = await this.execute(instanceId, "cat /var/lib/cloud/instance/result");
            return result.stdout.trim() === "" ? undefined : true;
        });
    }
}

export async function eventually<T>(what: string, ask: () => Promise<T | undefined>, seconds = 60): Promise<T> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
        const found = await ask();
        if (found !== undefined) {
            return found;
        }
        if (Date.now() > end) {
            throw new Error(`${what}: not within ${seconds} s`);
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
}

/** What a simulation in this slot has left on this machine. */
export function leftovers(slot: number): string[] {
    const name = `nbxsim${slot}`;
    const folder = path.join(cacheFolder(), `slot-${slot}`);
    const output = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: "utf8" });
    const lines = (text: string, pattern: string) => text.split("\n").filter((line) => line.includes(pattern));
    const places = [
        folder,
        `/proc/sys/fs/binfmt_misc/${name}`,
        `/sys/fs/cgroup/unified/${name}`,
        `/sys/fs/cgroup/${name}`,
    ];
    return [
        ...lines(output("ip", "-brief", "link"), name),
        ...lines(output("ip", "netns"), name),
        ...lines(output("ps", "-eo", "pid,args"), folder),
        ...lines(output("losetup", "--list", "--output", "BACK-FILE"), folder),
        ...lines(readFileSync("/proc/self/mountinfo", "utf8"), folder),
        ...lines(readFileSync("/etc/hosts", "utf8"), name),
        ...places.filter(existsSync),
    ];
}

function cacheFolder(): string {
    const cache = process.env.XDG_CACHE_HOME ?? path.join(process.env.HOME ?? "", ".cache");
    return process.env.SIM_CACHE ?? path.join(cache, "native-buildx", "ec2");
}

/** A slot that no other test has, on this machine. Its claim is a file with the process that has it. */
function claimSlot(): number {
    mkdirSync(cacheFolder(), { recursive: true });
    for (const slot of [8, 9, 10, 11, 12, 13, 14, 15]) {
        const claim = claimOf(slot);
        if (existsSync(claim) && !existsSync(`/proc/${readFileSync(claim, "utf8")}`)) {
            sim(slot, ["stop"]);
            rmSync(claim, { force: true });
        }
        try {
            writeFileSync(claim, String(process.pid), { flag: "wx" });
            return slot;
        } catch {
            // Somebody else's.
        }
    }
    throw new Error(
        `no free slot for a simulation: see ${cacheFolder()}, and SIM_SLOT=8 packages/simulated-ec2/sim.sh stop`,
    );
}

function claimOf(slot: number): string {
    return path.join(cacheFolder(), `claim-${slot}`);
}

function sim(slot: number, args: string[], settings: { [name: string]: string } = {}): void {
    const done = spawnSync(path.join(__dirname, "sim.sh"), args, {
        encoding: "utf8",
        env: { ...process.env, ...settings, SIM_SLOT: String(slot) },
        stdio: ["ignore", "inherit", "pipe"],
    });
    if (done.status !== 0) {
        throw new Error(`sim.sh ${args.join(" ")}: ${done.stderr}`);
    }
}
