import { ciJobs } from "../helpers/ciJobs";
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
    /** Of its identity tokens. */
    issuer: string;
    /** What they claim, for an audience of AWS. */
    claims: { [name: string]: unknown };
    /** How cosign is asked whose signature it has to be. */
    signer: string;
}

/** A job that `ciOfAcme` lets in: on branch main of acme/app. */
function welcomeJob(issuerBegin: string): Pick<SystemOnAws, "issuer" | "claims"> {
    const found = ciJobs.find(({ issuer, isLetIn }) => isLetIn && issuer.startsWith(issuerBegin));
    if (!found) {
        throw new Error(`no job of ${issuerBegin} is let in`);
    }
    return { issuer: found.issuer, claims: found.claims };
}

const ofCircleci = welcomeJob("https://oidc.circleci.com/");
const project = `${ofCircleci.claims["oidc.circleci.com/project-id"]}`;

const awsVariables = ({ roleArn, repositoryUrl, region }: CiAccessOfStack): Variables => ({
    AWS_ROLE_ARN: roleArn,
    AWS_DEFAULT_REGION: region,
    REPOSITORY_URL: repositoryUrl,
});

/** The CI systems of examples/ci, by how the names of their files begin: a job on branch main of acme/app. */
export const systems: { [file: string]: SystemOnAws } = {
    circleci: {
        variables: (given, commit) => ({
            ...awsVariables(given),
            CIRCLE_SHA1: commit,
            CIRCLE_ORGANIZATION_ID: `${ofCircleci.claims.aud}`,
            CIRCLE_PROJECT_ID: project,
        }),
        expressions: () => ({}),
        ...ofCircleci,
        signer: `--certificate-oidc-issuer ${ofCircleci.issuer} --certificate-identity-regexp ^https://circleci.com/api/v2/projects/${project}/pipeline-definitions/`,
    },
    "github-actions": {
        variables: ({ region }, commit) => ({
            GITHUB_SHA: commit,
            GITHUB_WORKFLOW_REF: "acme/app/.github/workflows/image.yml@refs/heads/main",
            // Of aws-actions/configure-aws-credentials.
            AWS_DEFAULT_REGION: region,
        }),
        expressions: ({ roleArn, repositoryUrl, region }) => ({
            "vars.CI_ROLE_ARN": roleArn,
            "vars.REPOSITORY_URL": repositoryUrl,
            "vars.AWS_REGION": region,
        }),
        ...welcomeJob("https://token.actions.githubusercontent.com"),
        signer: "--certificate-oidc-issuer https://token.actions.githubusercontent.com --certificate-identity https://github.com/acme/app/.github/workflows/image.yml@refs/heads/main",
    },
    "gitlab-ci": {
        variables: (given, commit) => ({
            ...awsVariables(given),
            CI_COMMIT_SHA: commit,
            CI_COMMIT_BRANCH: "main",
            CI_CONFIG_PATH: ".gitlab-ci.yml",
            CI_SERVER_URL: "https://gitlab.com",
            CI_PROJECT_URL: "https://gitlab.com/acme/app",
        }),
        expressions: () => ({}),
        ...welcomeJob("https://gitlab.com"),
        signer: "--certificate-oidc-issuer https://gitlab.com --certificate-identity https://gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main",
    },
    buildkite: {
        variables: (given, commit) => ({
            ...awsVariables(given),
            BUILDKITE_COMMIT: commit,
            BUILDKITE_ORGANIZATION_SLUG: "acme",
            BUILDKITE_PIPELINE_SLUG: "app",
        }),
        expressions: () => ({}),
        ...welcomeJob("https://agent.buildkite.com"),
        signer: "--certificate-oidc-issuer https://agent.buildkite.com --certificate-identity https://buildkite.com/acme/app",
    },
};
