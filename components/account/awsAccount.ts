import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

/** What resources of our own provider are told of where they are at AWS: the region and profile of the AWS provider. */
export function awsAccount(parent?: pulumi.Resource): { region: pulumi.Output<string>; profile: string } {
    return { region: aws.getRegionOutput({}, { parent }).region, profile: aws.config.profile ?? "" };
}
