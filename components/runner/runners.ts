import type * as pulumi from "@pulumi/pulumi";
import type { PolicyStatement } from "../ci/policyStatement";
import type { Runner } from "./runner";

/** The runners of a stack, whatever their kind: a component for each kind. A new kind is a folder and a row of kinds.ts. */
export interface Runners extends pulumi.ComponentResource {
    /** As many for each platform as setting `runnersPerPlatform` says. */
    readonly runners: readonly Runner[];
    /**
     * Statements of an AWS policy that allow a client to wake them and to read their keys.
     *
     * @default none: AWS has no part in it
     */
    readonly access?: pulumi.Output<PolicyStatement[]>;
    /**
     * Lets a principal of AWS, by its ARN, use them where a policy is not enough. To be called while the program runs.
     *
     * @default `access` is enough
     */
    readonly admit?: (principalArn: pulumi.Output<string>) => pulumi.Resource[];
}
