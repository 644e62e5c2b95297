import type { LocalRunnerBench } from "./local/localRunnerBench";
import { namedRunners } from "./runnerNames";

/** What is particular to a kind for the tests of the contract: `contractBench.ts` in its folder. */
export interface ContractBench {
    /** Settings without which it is wrong. */
    necessary(port: number): { [setting: string]: unknown };
    /** What its runners say of the default of setting idleMinutes, 5: a kind may not know how to stop. */
    idleMinutes: 5 | 0;
    /** What wake prints. */
    endpoint: RegExp;
    /** Stand-ins for machines that start, serve and publish their keys. */
    rightMachine(bench: LocalRunnerBench): void;
    /** Makes them fail. */
    breakMachine(bench: LocalRunnerBench): void;
}

export const address = /^tcp:\/\/[a-z0-9.]+:\d+$/;

/** For kinds whose runners are processes of this machine: the bench's BuildKit. */
export const onThisMachine = {
    endpoint: address,
    rightMachine: () => undefined,
    breakMachine: (bench: LocalRunnerBench) => void bench.write("broken"),
};

export const stackName = "demo-prod";
export const platforms = ["linux/amd64", "linux/arm64"] as const;
export const namesOf = (count: number) =>
    namedRunners(platforms, count).map(({ runner, platform }) => [runner, platform] as const);
