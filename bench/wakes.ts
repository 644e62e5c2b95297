import { StartInstancesCommand, StopInstancesCommand } from "@aws-sdk/client-ec2";
import { runnerName } from "../components/runner/runnerNames";
import { eventually, Simulation } from "../packages/simulated-ec2";
import { publishBuildkit } from "../tests/ec2/buildkit/archive";
import type { Account } from "./environment";
import type { Sandbox } from "./sandbox";

const platform = "linux/amd64";

/** The account of a simulated EC2, and what a stack in it has to be told. */
function accountOf(simulation: Simulation): Account {
    const { environment } = simulation;
    return {
        environment,
        settings: {
            runners: "ec2",
            "aws:region": environment.AWS_REGION,
            allowedCidrs: [environment.SIM_CLIENT_CIDR],
            ...publishBuildkit(simulation),
            cacheGigabytes: 20,
        },
    };
}

/** Wakes a runner on the simulated EC2, and beside it starts a machine of the same image that has nothing to do. */
export class WakeBench {
    private constructor(
        private readonly simulation: Simulation,
        private readonly sandbox: Sandbox,
        private readonly runner: string,
        /** Id of the bare machine. */
        private readonly bare: string,
        private readonly connectScript: string,
    ) {}

    /**
     * Calls `measure` with both, and leaves nothing behind.
     *
     * @param open makes the stack's sandbox
     */
    static async with(
        open: (account: Account) => Promise<Sandbox>,
        measure: (bench: WakeBench) => Promise<void>,
    ): Promise<void> {
        const simulation = Simulation.start();
        try {
            const sandbox = await open(accountOf(simulation));
            try {
                await sandbox.makeStack();
                await sandbox.configure({ platforms: [platform], images: {} });
                await sandbox.up();
                const runners = JSON.parse(await sandbox.output("runners")) as { [runner: string]: { id: string } };
                const script = await sandbox.output("connect");
                const bare = await simulation.launch("#!/bin/sh\n");
                await simulation.awaitBoot(bare);
                // A first start installs; and whoever wakes has connected before.
                await sandbox.connect(script);
                await measure(
                    new WakeBench(simulation, sandbox, runners[runnerName(platform)]?.id ?? "", bare, script),
                );
            } finally {
                await sandbox.close();
            }
        } finally {
            simulation.stop();
        }
    }

    /** Makes sure that both are stopped. */
    async stop(): Promise<void> {
        await this.simulation.ec2.send(new StopInstancesCommand({ InstanceIds: [this.runner, this.bare] }));
        await this.simulation.awaitState(this.runner, "stopped");
        await this.simulation.awaitState(this.bare, "stopped");
    }

    /** From connect to a proved runner. */
    async wake(): Promise<void> {
        await this.sandbox.connect(this.connectScript);
    }

    /** From the call to the end of systemd's start. */
    async boot(): Promise<void> {
        await this.simulation.ec2.send(new StartInstancesCommand({ InstanceIds: [this.bare] }));
        await eventually("the bare machine's start", async () => {
            const told = await this.simulation
                .execute(this.bare, "systemctl is-system-running --wait")
                .catch(() => undefined);
            return /^(running|degraded)$/m.test(told?.stdout ?? "") ? true : undefined;
        });
    }
}
