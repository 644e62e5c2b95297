import type * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../architecture";

/** US dollars. */
export interface RunnerPrice {
    /** Of an hour; undefined where it is not known. */
    hour?: number;
    /** Where it is not known: that, and what to do. */
    unknown?: string;
    /** Of a month of its volumes, whatever it does; undefined where it is not known. */
    month?: number;
}

/** What stack output `runners` says about a runner. */
export interface RunnerDescription {
    /** Its row in kinds.ts. */
    kind: string;
    platform: Platform;
    /** What it is called where it runs: an instance's id, a local runner's folder, NAMESPACE/NAME of a StatefulSet. */
    id: string;
    idleMinutes: number;
    /** Instances only. */
    instanceType?: string;
    region?: string;
    /** What it costs while it runs. @default nothing */
    price?: RunnerPrice;
}

/**
 * What the connect script has to know of a runner. It holds no secret: keys are made by the runner, at every start.
 *
 * `variables` become shell variables `NAME_RUNNER` (`endpoint_arm64`); the scripts `wakeScripts` define the shell
 * functions that read them. Each says progress and errors on standard error, in words for the person who waits.
 *
 * - `wake_KIND RUNNER`: brings the runner to serving, whatever state it is in, and prints its endpoint
 *   (`tcp://HOST:PORT`, or another of buildx's remote driver) as the only line on standard output. Status 0 only when it
 *   takes connections.
 * - `keys_KIND RUNNER`, where there is a `serverName`: prints what a client of the runner's present start needs, three PEM
 *   texts one after another:
 *   the authority's certificate, the client's certificate, the client's key (EC). Status 0: printed. 75: they are not
 *   published yet, or the runner says that it stopped; asked again after a second, and after a new wake. Any other:
 *   it has failed.
 * - `done_KIND RUNNER`: gives back what wake_KIND took for this caller alone, if it took anything. Says nothing where
 *   there is nothing to give back.
 *
 * `$caller` is a name for whoever connects, of letters, digits and dashes: another on every machine and in every job of
 * CI, and in `connect --done` the same as before.
 *
 * What wake_KIND writes into the file `$notes` (where that is set) keys_KIND finds there: say, which of several machines
 * was woken. Another start of a runner is told from the one before by its endpoint, its keys or its notes.
 */
export interface ConnectNode {
    kind: string;
    platform: Platform;
    /**
     * Name in the runner's server certificate: the address changes, this does not.
     *
     * @default none: who may reach its endpoint is not said by certificates, and it has no keys for clients
     */
    serverName?: string;
    variables: { [name: string]: string };
    /** Variables that all runners of this kind share; they do not get the runner's name. */
    shared?: { [name: string]: string };
}

/** A machine or process whose BuildKit builds one platform. */
export interface Runner {
    /** See `runnerNames`. */
    readonly runnerName: string;
    readonly platform: Platform;
    readonly description: pulumi.Output<RunnerDescription>;
    readonly node: pulumi.Output<ConnectNode>;
    /** Paths of the kind's wake scripts, files of shell functions. Those of localMachine/folders.sh are there too. */
    readonly wakeScripts: readonly string[];
}
