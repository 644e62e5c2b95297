import { mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import type { Instance } from "@aws-sdk/client-ec2";
import { ECRClient, GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr";
import type { Simulation } from "../../packages/simulated-ec2";
import type { Result, Running } from "../e2e/commands";
import { Project } from "../e2e/project";
import { checkout } from "../helpers/checkout";
import { type Arch } from "../helpers/stepImage";
import { publishBuildkit } from "./buildkit/archive";

/** What stack output `runners` says of a runner on EC2. */
interface RunnerOutput {
    kind: string;
    id: string;
    idleMinutes: number;
    instanceType: string;
    region: string;
}

/** Stack outputs of stack `prod`. */
export interface Ec2Outputs {
    repositoryUrl: string;
    images: { [name: string]: { ref: string; platforms: { [platform: string]: string } } };
    runners: { [runner: string]: RunnerOutput };
    builder: string;
    buildCosts: string;
    ciRoleArn?: string;
    ciConnect?: string;
}

/** Stack `prod` in the simulated EC2: the real program and engine, against the account of a simulation. */
export class Ec2Project extends Project {
    private script: string | undefined;
    private known: Promise<Ec2Outputs> | undefined;

    private constructor(
        readonly simulation: Simulation,
        stack: string,
        settings: { [name: string]: unknown },
    ) {
        super(stack, settings, {});
    }

    static createIn(simulation: Simulation, stack: string, settings: { [name: string]: unknown }): Ec2Project {
        const { environment } = simulation;
        const project = new Ec2Project(simulation, stack, {
            runners: "ec2",
            "aws:region": environment.AWS_REGION,
            allowedCidrs: [environment.SIM_CLIENT_CIDR],
            ...publishBuildkit(simulation),
            cacheGigabytes: 20,
            ...settings,
        });
        project.configure({});
        return project;
    }

    override get environment(): NodeJS.ProcessEnv {
        return {
            ...super.environment,
            ...this.simulation.environment,
            PULUMI_BACKEND_URL: `file://${this.machine.state}`,
            PULUMI_CONFIG_PASSPHRASE: "test",
        };
    }

    /** A login of its own: the user's configuration is for the program to leave alone. */
    override async registryEnvironment(): Promise<NodeJS.ProcessEnv> {
        const { client, environment } = this.simulation;
        const ecr = new ECRClient(client);
        const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
        const folder = path.join(this.folder, "registry-login");
        mkdirSync(folder, { recursive: true });
        const auth = authorizationData?.[0]?.authorizationToken;
        writeFileSync(
            path.join(folder, "config.json"),
            JSON.stringify({ auths: { [environment.SIM_REGISTRY ?? ""]: { auth } } }),
        );
        return { DOCKER_CONFIG: folder };
    }

    override outputs(): Promise<Ec2Outputs> {
        this.known ??= super.outputs() as Promise<Ec2Outputs>;
        return this.known;
    }

    async instanceId(arch: Arch): Promise<string> {
        return (await this.outputs()).runners[arch]?.id ?? "";
    }

    async instance(arch: Arch): Promise<Instance> {
        return this.simulation.describe(await this.instanceId(arch));
    }

    override async state(arch: Arch): Promise<string> {
        return (await this.instance(arch)).State?.Name ?? "";
    }

    /** Waits until a runner's instance is in a state. Its own idle rule, or a command, brings it there. */
    async awaitState(arch: Arch, wanted: string): Promise<Instance> {
        return this.simulation.awaitState(await this.instanceId(arch), wanted);
    }

    /** What is in the cloud-side log of the machine that AWS keeps. */
    async console(arch: Arch): Promise<string> {
        return this.simulation.console(await this.instanceId(arch));
    }

    /** Environment of a machine (a HOME) of its own. */
    homeOf(machine: string): NodeJS.ProcessEnv {
        const home = path.join(this.folder, machine);
        mkdirSync(home, { recursive: true });
        return { HOME: home };
    }

    /** What a person or a CI job does, on a machine (a HOME) of its own: runs the connect script. */
    async connect(machine: string, ...archs: Arch[]): Promise<Result> {
        this.script ??= await this.connectScript();
        const platforms = archs.map((arch) => `linux/${arch}`);
        return this.run("sh", ["-s", "--", ...platforms], { input: this.script, env: this.homeOf(machine) });
    }

    /** What a job does last: gives back what connect took for that machine. */
    async disconnect(machine: string): Promise<Result> {
        this.script ??= await this.connectScript();
        return this.run("sh", ["-s", "--", "--done"], { input: this.script, env: this.homeOf(machine) });
    }

    /** Connects and then builds folder `nothing` by plain buildx; both must succeed. Resolves to what connect said. */
    async connectAndBuild(machine: string, ...archs: Arch[]): Promise<string> {
        const { output } = await this.succeed(this.connect(machine, ...archs));
        const builds = archs.map((arch) => {
            const builder = ["--builder", `native-buildx-${this.stack}-${arch}`, "--platform", `linux/${arch}`];
            const args = ["build", ...builder, "--provenance=false", "--output", "type=cacheonly", "nothing"];
            return this.succeed(this.run("buildx", args, { env: this.homeOf(machine) }));
        });
        await Promise.all(builds);
        return output;
    }

    /** Kills a command with everything that it has started, and what `make up` does before its next `up`. */
    async kill(running: Running): Promise<void> {
        process.kill(-(running.child.pid ?? 0), "SIGKILL");
        await running.done;
        const script = `. "$0" && select_stack ${this.stack}`;
        await this.succeed(this.run("sh", ["-eu", "-c", script, path.join(checkout, "tools/stack.sh")]));
    }

    /** What changes the stack changes its outputs, and what the script says. */
    override start(...command: Parameters<Project["start"]>): Running {
        const [program, [verb]] = command;
        const forget = () => {
            if (program === "pulumi" && verb !== "stack") {
                this.script = undefined;
                this.known = undefined;
            }
        };
        forget();
        const running = super.start(...command);
        running.done.then(forget, forget);
        return running;
    }

    /** How often an action of the API was called until now. */
    async countOf(action: string): Promise<number> {
        return (await this.simulation.calls()).filter((call) => call.action === action).length;
    }
}
