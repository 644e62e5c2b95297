import type * as pulumi from "@pulumi/pulumi";
import type { PolicyStatement } from "../ci/policies";
import type { Runner } from "./runner";

/** The runners of a stack, whatever their kind: one component for each kind. A new kind is a folder and a row of kinds.ts. */
export interface Runners extends pulumi.ComponentResource {
    /** As many a platform as setting `runnersPerPlatform` says. */
    readonly runners: readonly Runner[];
    /**
     * What AWS has to allow whoever wakes them and reads their keys: statements of a policy.
     *
     * @default none: they are not AWS's
     */
    readonly access?: pulumi.Output<PolicyStatement[]>;
    /**
     * Lets a principal of AWS, by its ARN, use them where a policy is not enough. To be called while the program runs.
     *
     * @default `access` is enough
     */
    readonly admit?: (principalArn: pulumi.Output<string>) => pulumi.Resource[];
}
