import * as pulumi from "@pulumi/pulumi";

/** Whether AWS's SDKs will know where to ask; a line for the person who has not said so. */
export function awsRegionMistakes(): string[] {
    const region = new pulumi.Config("aws").get("region") ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    return region ? [] : ["aws:region: is not set; choose one: pulumi config set aws:region eu-central-1"];
}
