import { optionalText, setting } from "../settings/kinds";

/** The settings of everything at AWS. */
export const awsSettings = {
    kmsKeyArn: setting(
        optionalText("an ARN"),
        "",
        "EC2 runners and registry ecr only. ARN of a customer key for volumes, parameters and repositories. Empty for the account's AWS-managed keys.",
    ),
};
