import * as awsConfig from "@pulumi/aws/config";
import { getRegionOutput } from "@pulumi/aws/getRegion";
import type * as pulumi from "@pulumi/pulumi";
import { shellQuote } from "../shell";

/** The region and the profile of the AWS provider, for the resources of our own provider. */
export function awsAccount(parent?: pulumi.Resource): { region: pulumi.Output<string>; profile: string } {
    return { region: getRegionOutput({}, { parent }).region, profile: awsConfig.profile ?? "" };
}

/** What the AWS command line would take before AWS_PROFILE. Pulumi's provider takes a configured profile before these. */
const otherCredentials = [
    ...["AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"],
    ...["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"],
];

/**
 * Lines of shell after which the AWS command line uses the profile of the configuration. To be called while the program
 * runs. Empty where it names none.
 */
export function inConfiguredProfile(): string {
    const { profile } = awsConfig;
    return profile ? `unset ${otherCredentials.join(" ")}\nexport AWS_PROFILE=${shellQuote(profile)}` : "";
}
