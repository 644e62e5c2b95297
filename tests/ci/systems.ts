import type { Variables } from "./pipeline";

/** What a stack on AWS gives to CI. */
export interface CiAccessOfStack {
    roleArn: string;
    repositoryUrl: string;
    region: string;
}

export interface SystemOnAws {
    /** What its jobs find in their environment: the system's own variables, and those of the project. */
    variables(given: CiAccessOfStack, commit: string): Variables;
    /** What its files find in expressions. */
    expressions(given: CiAccessOfStack): Variables;
    /** Claims of a job's identity token, without audience and times. */
    claims: Variables;
    /** How cosign is asked whose signature it has to be. */
    signer: string;
}

const organization = "0a1b2c3d-0000-4000-8000-00000000000a";
const project = "0a1b2c3d-0000-4000-8000-00000000000b";

const awsVariables = ({ roleArn, repositoryUrl, region }: CiAccessOfStack): Variables => ({
    AWS_ROLE_ARN: roleArn,
    AWS_DEFAULT_REGION: region,
    REPOSITORY_URL: repositoryUrl,
});

/** The CI systems of examples/ci, by how the names of their files begin: a job on branch main of acme/tools. */
export const systems: { [file: string]: SystemOnAws } = {
    circleci: {
        variables: (given, commit) => ({
            ...awsVariables(given),
            CIRCLE_SHA1: commit,
            CIRCLE_ORGANIZATION_ID: organization,
            CIRCLE_PROJECT_ID: project,
        }),
        expressions: () => ({}),
        claims: {
            iss: `https://oidc.circleci.com/org/${organization}`,
            aud: organization,
            sub: `org/${organization}/project/${project}/user/0a1b2c3d-0000-4000-8000-00000000000c/vcs-origin/github.com/acme/tools/vcs-ref/refs/heads/main`,
        },
        signer: `--certificate-oidc-issuer https://oidc.circleci.com/org/${organization} --certificate-identity-regexp ^https://circleci.com/api/v2/projects/${project}/pipeline-definitions/`,
    },
    "github-actions": {
        variables: (_given, commit) => ({
            GITHUB_SHA: commit,
            GITHUB_WORKFLOW_REF: "acme/tools/.github/workflows/image.yml@refs/heads/main",
            // Of aws-actions/configure-aws-credentials.
            AWS_DEFAULT_REGION: _given.region,
        }),
        expressions: ({ roleArn, repositoryUrl, region }) => ({
            "vars.CI_ROLE_ARN": roleArn,
            "vars.REPOSITORY_URL": repositoryUrl,
            "vars.AWS_REGION": region,
        }),
        claims: { iss: "https://token.actions.githubusercontent.com", sub: "repo:acme/tools:ref:refs/heads/main" },
        signer: "--certificate-oidc-issuer https://token.actions.githubusercontent.com --certificate-identity https://github.com/acme/tools/.github/workflows/image.yml@refs/heads/main",
    },
    "gitlab-ci": {
        variables: (given, commit) => ({
            ...awsVariables(given),
            CI_COMMIT_SHA: commit,
            CI_COMMIT_BRANCH: "main",
            CI_CONFIG_PATH: ".gitlab-ci.yml",
            CI_SERVER_URL: "https://gitlab.com",
            CI_PROJECT_URL: "https://gitlab.com/acme/tools",
        }),
        expressions: () => ({}),
        claims: { iss: "https://gitlab.com", sub: "project_path:acme/tools:ref_type:branch:ref:main" },
        signer: "--certificate-oidc-issuer https://gitlab.com --certificate-identity https://gitlab.com/acme/tools//.gitlab-ci.yml@refs/heads/main",
    },
    buildkite: {
        variables: (given, commit) => ({
            ...awsVariables(given),
            BUILDKITE_COMMIT: commit,
            BUILDKITE_ORGANIZATION_SLUG: "acme",
            BUILDKITE_PIPELINE_SLUG: "tools",
        }),
        expressions: () => ({}),
        claims: {
            iss: "https://agent.buildkite.com",
            sub: "organization:acme:pipeline:tools:ref:refs/heads/main:commit:0123456:step:image",
            build_branch: "main",
        },
        signer: "--certificate-oidc-issuer https://agent.buildkite.com --certificate-identity https://buildkite.com/acme/tools",
    },
};
