import { copyFileSync, linkSync, readFileSync, rmSync } from "node:fs";
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
import type { Call, Executed, Faults } from "./control";
import { eventually } from "./eventually";
import { Authorizer } from "./policies/authorizer";
import { claimSlot, releaseSlot, runSim, stateFolder } from "./slots";

export type { Call, Executed, Faults } from "./control";

/** Machines need root: without it, tests that need the simulation are skipped. */
export const canSimulate = process.getuid?.() === 0;

/** A running simulated EC2, for tests. Test equipment: see README.md. */
export class Simulation {
    /** What a client of any service needs: `new ECRClient(simulation.client)`. */
    readonly client: {
        endpoint?: string;
        region?: string;
        credentials: { accessKeyId: string; secretAccessKey: string };
    };
    readonly ec2: EC2Client;
    readonly ssm: SSMClient;
    private authorizer: Authorizer | undefined;

    private constructor(
        readonly slot: number,
        /** What a shell needs to use it: the values of `sim.sh env`. */
        readonly environment: { [name: string]: string },
    ) {
        this.client = {
            endpoint: environment.AWS_ENDPOINT_URL,
            region: environment.AWS_REGION,
            credentials: {
                accessKeyId: environment.AWS_ACCESS_KEY_ID ?? "",
                secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? "",
            },
        };
        this.ec2 = new EC2Client(this.client);
        this.ssm = new SSMClient(this.client);
    }

    /**
     * Starts a simulation in a free slot. The first start on a machine takes minutes: see README.md.
     *
     * @param settings environment variables of sim.sh, as `SIM_STOPPING_SECONDS`. @default none
     */
    static start(settings: { [name: string]: string } = {}): Simulation {
        const slot = claimSlot();
        try {
            runSim(slot, ["start"], settings);
        } catch (error) {
            releaseSlot(slot);
            throw error;
        }
        const file = path.join(stateFolder(slot), "environment.json");
        const environment = JSON.parse(readFileSync(file, "utf8")) as { [name: string]: string };
        // Before the machine's own AWS command line: tests have the pinned one.
        const programs = [environment.SIM_CLIENTS ?? "", process.env.PATH ?? ""].join(":");
        return new Simulation(slot, { ...environment, PATH: programs });
    }

    stop(): void {
        runSim(this.slot, ["stop"]);
        this.authorizer?.end();
        releaseSlot(this.slot);
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

    /**
     * From now on roles may do what their policies allow, and nothing else, and are assumed by whom they trust: AWS's API
     * and the registry refuse the rest as AWS does. The test's process answers for the policies: it must not be blocked.
     */
    async enforcePolicies(): Promise<void> {
        this.authorizer ??= await Authorizer.start();
        await this.control("PUT", "authorizer", { url: this.authorizer.url });
    }

    /** Everything in the account that somebody made. */
    account(): Promise<{ [kind: string]: string[] }> {
        return this.control("GET", "account");
    }

    setFaults(faults: Faults): Promise<unknown> {
        return this.control("PUT", "faults", faults);
    }

    /**
     * Gives STS the keys of issuers of identity tokens, in place of what it would fetch from them.
     *
     * @param keys JWKS documents by issuer, as in `https://gitlab.com`
     */
    setIssuerKeys(keys: { [issuer: string]: { keys: unknown[] } }): Promise<unknown> {
        return this.control("PUT", "issuer-keys", keys);
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

    /** Lets machines download a file by HTTPS, under its own name. @returns its address */
    publish(file: string): string {
        const name = path.basename(file);
        const served = path.join(this.environment.SIM_DOWNLOADS ?? "", name);
        rmSync(served, { force: true });
        try {
            linkSync(file, served);
        } catch {
            // Another file system.
            copyFileSync(file, served);
        }
        return `${this.environment.SIM_DOWNLOADS_URL}/${name}`;
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
