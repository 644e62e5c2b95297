import type * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../architecture";

/** 60. Tests of the idle rule shorten the minute. */
export const secondsPerMinute = Number(process.env.NATIVE_BUILDX_SECONDS_PER_MINUTE ?? 60);

/** What stack output `runners` says about a runner. */
export interface RunnerDescription {
    kind: "local" | "ec2";
    /** EC2 instance id, or the name of the local runner. */
    id: string;
    idleMinutes: number;
    /** EC2 only. */
    instanceType?: string;
    /** EC2 only. */
    region?: string;
}

/**
 * What the connect script has to know of a runner.
 *
 * `variables` become shell variables `NAME_SUFFIX` (`endpoint_arm64`); the script `wakeScript` defines the shell
 * function `wake_KIND SUFFIX` that reads them. Its contract: bring the runner to serving, whatever state it is in;
 * print its endpoint (`tcp://HOST:PORT`) as the only line on standard output; progress and errors, in words for the
 * person who waits, on standard error; exit status 0 only when the port is open. It may also define `prepare_KIND`,
 * which is called once before the runners are woken, and also where none needs to be; and `renew_KIND SUFFIX`, which is
 * called when the runner serves an old certificate: it makes the runner take the renewed one at its next wake.
 */
export interface ConnectNode {
    kind: RunnerDescription["kind"];
    /** Name in the runner's server certificate: the address changes, this does not. */
    serverName: string;
    variables: { [name: string]: string };
    /** Variables that all runners of this kind share; they get no suffix. */
    shared?: { [name: string]: string };
}

/**
 * A machine or local process whose BuildKit builds one platform natively.
 *
 * One implementation per kind: `LocalRunner` (processes on this machine) and `Ec2Runner`.
 */
export interface Runner {
    readonly platform: Platform;
    readonly description: pulumi.Output<RunnerDescription>;
    /** Secret where `variables` hold keys. */
    readonly node: pulumi.Output<ConnectNode>;
    /** Path of the kind's wake script, a file of shell functions. */
    readonly wakeScript: string;
}
