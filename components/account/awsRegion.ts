import * as pulumi from "@pulumi/pulumi";

/** What is wrong where AWS's SDKs would not know the region, as a line: setting, mistake, remedy. */
export function awsRegionMistakes(): string[] {
    const region = new pulumi.Config("aws").get("region") ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    return region ? [] : ["aws:region: is not set; choose one: pulumi config set aws:region eu-central-1"];
}
