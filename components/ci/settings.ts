import { listOf, setting, text } from "../settings/kinds";

const aws = "EC2 runners only.";

/** Who may use the builder without access to the stack. What the values mean is checked by ciRoleProblems. */
export const ciSettings = {
    githubRepositories: setting(
        listOf("a list of repositories", text("ORGANIZATION/REPOSITORY")),
        [],
        `${aws} GitHub repositories, ORGANIZATION/REPOSITORY, whose workflows may use the builder.`,
    ),
    githubOidcProviderArn: setting(
        text("an ARN", { mayBeEmpty: true }),
        "",
        `${aws} ARN of GitHub's OIDC provider where the account has one. Empty to make one.`,
    ),
    trustedPrincipalArns: setting(
        listOf("a list of ARNs", text("an ARN")),
        [],
        `${aws} ARNs of roles or users that may use the builder as CI does.`,
    ),
};
