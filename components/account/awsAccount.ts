import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

/** The region and the profile of the AWS provider, for the resources of our own provider. */
export function awsAccount(parent?: pulumi.Resource): { region: pulumi.Output<string>; profile: string } {
    return { region: aws.getRegionOutput({}, { parent }).region, profile: aws.config.profile ?? "" };
}
