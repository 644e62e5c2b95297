import { optionalText, setting } from "../settings/kinds";

/** The settings of everything at AWS. */
export const awsSettings = {
    kmsKeyArn: setting(
        optionalText("an ARN"),
        "",
        "EC2 runners and registry ecr only. ARN of a customer key for volumes, parameters and repositories. Empty for AWS's own keys; where the account's default key for EBS is a customer key, that has to be named.",
    ),
};
