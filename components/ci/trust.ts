import { githubIssuer } from "./policies";

/** Who CI is. Plain values. */
export interface CiTrustSettings {
    /**
     * GitHub repositories whose workflows may assume the role, as `ORGANIZATION/REPOSITORY`; a branch or environment only, as
     * `ORGANIZATION/REPOSITORY:ref:refs/heads/main` or `...:environment:release`.
     *
     * @default none
     */
    githubRepositories?: string[];
    /** ARN of GitHub's OIDC provider, where the account has one already: it can have only one. @default one is made */
    githubOidcProviderArn?: string;
    /** ARNs of other roles or users that may assume it: own runners, another CI system. @default none */
    trustedPrincipalArns?: string[];
}

/** Whether anybody is named that could assume the role: without, none is made. */
export function isCiWanted(settings: CiTrustSettings): boolean {
    return (settings.githubRepositories ?? []).length > 0 || (settings.trustedPrincipalArns ?? []).length > 0;
}

/** Everything that is wrong with the settings, each a line: the setting, what is wrong, the remedy. */
export function ciRoleProblems(settings: CiTrustSettings): string[] {
    const problems: string[] = [];
    if (!isCiWanted(settings)) {
        problems.push(
            "neither githubRepositories nor trustedPrincipalArns names anybody who may assume the CI role: name one, or leave the role out",
        );
    }
    for (const repository of settings.githubRepositories ?? []) {
        // A wildcard in the name would let in repositories of strangers, who can call theirs what they like.
        if (!/^[A-Za-z0-9-]+\/[A-Za-z0-9._-]+(:[^*?\s]+(\*)?)?$/.test(repository)) {
            problems.push(
                `githubRepositories "${repository}": write ORGANIZATION/REPOSITORY, without wildcards, or ORGANIZATION/REPOSITORY:ref:refs/heads/BRANCH`,
            );
        }
    }
    for (const arn of settings.trustedPrincipalArns ?? []) {
        if (!/^arn:[a-z-]+:iam::\d{12}:(role|user|root)(\/\S+)?$/.test(arn)) {
            problems.push(
                `trustedPrincipalArns "${arn}": the ARN of a role or user is needed, as in arn:aws:iam::123456789012:role/ci`,
            );
        }
    }
    const provider = settings.githubOidcProviderArn;
    if (
        provider !== undefined &&
        !/^arn:[a-z-]+:iam::\d{12}:oidc-provider\/token\.actions\.githubusercontent\.com$/.test(provider)
    ) {
        problems.push(
            `githubOidcProviderArn "${provider}": it looks like arn:aws:iam::123456789012:oidc-provider/${githubIssuer}; aws iam list-open-id-connect-providers lists them`,
        );
    }
    return problems;
}
