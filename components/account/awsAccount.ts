import * as awsConfig from "@pulumi/aws/config";
import { getRegionOutput } from "@pulumi/aws/getRegion";
import type * as pulumi from "@pulumi/pulumi";

/** The region and the profile of the AWS provider, for the resources of our own provider. */
export function awsAccount(parent?: pulumi.Resource): { region: pulumi.Output<string>; profile: string } {
    return { region: getRegionOutput({}, { parent }).region, profile: awsConfig.profile ?? "" };
}
