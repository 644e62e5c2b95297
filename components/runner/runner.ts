import type * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../architecture";
import type { RegistryTrust } from "../registry/registry";

/** US dollars. */
export interface RunnerPrice {
    /** The price of an hour; undefined where it is not known. */
    hour?: number;
    /** If it is not known: a message that says so, and what to do. */
    unknown?: string;
    /** The price of a month of its volumes, whatever it does; undefined where it is not known. */
    month?: number;
}

/** What stack output `runners` says about a runner. */
export interface RunnerDescription {
    /** Its row in kinds.ts. */
    kind: string;
    platform: Platform;
    /** Its name where it runs: an instance's id, a local runner's folder, NAMESPACE/NAME of a StatefulSet. */
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
 * functions that read them. Each prints progress and errors to standard error, for the person who waits.
 *
 * - `wake_KIND RUNNER`: brings the runner to serving, whatever state it is in, and prints its endpoint
 *   (`tcp://HOST:PORT`, or another of buildx's remote driver) as the only line on standard output. Status 0 only when it
 *   takes connections.
 * - `keys_KIND RUNNER`, where there is a `serverName`: prints what a client of the runner's present start needs, three PEM
 *   texts one after another:
 *   the authority's certificate, the client's certificate, the client's key (EC). Status 0: printed. 75: they are not
 *   published yet, or the runner has stopped; it is called again after a second, and after a new wake. Any other: it has
 *   failed.
 * - `done_KIND RUNNER`: gives back what wake_KIND took for this caller alone, if it took anything. Says nothing where
 *   there is nothing to give back.
 *
 * `$caller` is a name for whoever connects, of letters, digits and dashes. It differs between machines and between jobs of
 * CI, and in `connect --done` it is the same as before.
 *
 * `$work` is a folder for files of this connect alone, which is removed with it.
 *
 * `$notes`, where it is set, is a file in which wake_KIND leaves notes for keys_KIND, such as which of several machines was
 * woken. Another start of a runner differs from the one before in its endpoint, its keys or its notes. Their line
 * `served by TYPE of RUNNER` tells that another machine serves than the runner's own, and whose that is: a stand-in of the
 * runner, or one that emulates for it. Receipts and costs name it.
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
    /** What has to be made before it can be woken. @default itself, where it is a resource */
    readonly resource?: pulumi.Resource;
    /** The registries of this machine whose authorities it trusts. @default that is not up to it: it is elsewhere */
    readonly trusts?: readonly RegistryTrust[];
    /** It is in the compile cluster of its stack's runners. @default false */
    readonly inCluster?: boolean;
    /** Paths of the kind's wake scripts, files of shell functions. Those of connectScript.ts's `sharedParts` are there too. */
    readonly wakeScripts: readonly string[];
    /**
     * Lines of shell that come before the connect script where `pulumi up` runs it: what belongs to this machine and moment,
     * such as the name of a login. In no state, and not in `connect`. @default none
     */
    readonly hereScript?: string;
}
