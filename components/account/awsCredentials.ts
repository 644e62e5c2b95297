import * as pulumi from "@pulumi/pulumi";

const inEnvironment = (...names: string[]) => `set ${names.join(" and ")} in the environment`;
const keys = `${inEnvironment("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")} (with a session also AWS_SESSION_TOKEN)`;
const role =
    "have role_arn and source_profile in a profile of ~/.aws/config, and name that: pulumi config set aws:profile NAME";

/** Configuration of Pulumi's AWS provider that says whose name it acts in, and what all programs know instead. */
const instead: { [key: string]: string } = {
    accessKey: keys,
    secretKey: keys,
    token: keys,
    assumeRole: role,
    assumeRoles: role,
    assumeRoleWithWebIdentity: inEnvironment("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    sharedConfigFiles: inEnvironment("AWS_CONFIG_FILE"),
    sharedCredentialsFiles: inEnvironment("AWS_SHARED_CREDENTIALS_FILE"),
};

/**
 * What is wrong with the credentials in the stack's configuration, each as a line: setting, mistake, remedy. `aws:profile`
 * is all that the connect script, the AWS command line and our own provider use.
 */
export function awsCredentialMistakes(): string[] {
    const set = pulumi.runtime.allConfig();
    return Object.entries(instead)
        .filter(([key]) => Object.hasOwn(set, `aws:${key}`))
        .map(
            ([key, remedy]) =>
                `aws:${key}: only Pulumi's own AWS provider would use it, and what wakes runners other credentials; ` +
                `remove it (pulumi config rm aws:${key}), and ${remedy}`,
        );
}
