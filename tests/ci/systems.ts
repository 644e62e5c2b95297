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
    /** By which it knows the project. */
    projectId: string;
    /** How cosign is asked whose signature it has to be. */
    signer: string;
}

/** A job that `ciOfAcme` lets in. @param about what it is. @default the first: on branch main of acme/app */
function welcomeJob(issuerBegin: string, about = ""): Pick<SystemOnAws, "issuer" | "claims"> {
    const found = ciJobs.find(
        ({ issuer, isLetIn, what }) => isLetIn && issuer.startsWith(issuerBegin) && what.endsWith(about),
    );
    if (!found) {
        throw new Error(`no job of ${issuerBegin} is let in`);
    }
    return { issuer: found.issuer, claims: found.claims };
}

const ofCircleci = welcomeJob("https://oidc.circleci.com/");
const project = `${ofCircleci.claims["oidc.circleci.com/project-id"]}`;

const pipeline = "1f7c2a55-9b0e-4c0e-8a57-1d2c3b4a5e01";

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
        projectId: project,
        signer: `--certificate-oidc-issuer ${ofCircleci.issuer} --certificate-identity-regexp ^https://circleci.com/api/v2/projects/${project}/pipeline-definitions/`,
    },
    "github-actions": {
        variables: ({ region }, commit) => ({
            GITHUB_SHA: commit,
            GITHUB_REPOSITORY_ID: "456",
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
        projectId: "456",
        signer: "--certificate-oidc-issuer https://token.actions.githubusercontent.com --certificate-identity https://github.com/acme/app/.github/workflows/image.yml@refs/heads/main",
    },
    "gitlab-ci": {
        variables: (given, commit) => ({
            ...awsVariables(given),
            CI_COMMIT_SHA: commit,
            CI_PROJECT_ID: "789",
            CI_COMMIT_BRANCH: "main",
            CI_CONFIG_PATH: ".gitlab-ci.yml",
            CI_SERVER_URL: "https://gitlab.com",
            CI_PROJECT_URL: "https://gitlab.com/acme/app",
        }),
        expressions: () => ({}),
        ...welcomeJob("https://gitlab.com"),
        projectId: "789",
        signer: "--certificate-oidc-issuer https://gitlab.com --certificate-identity-regexp ^https://gitlab\\.com/acme/app//\\.gitlab-ci\\.yml@refs/(heads|tags)/",
    },
    buildkite: {
        variables: (given, commit) => ({
            ...awsVariables(given),
            BUILDKITE_COMMIT: commit,
            BUILDKITE_PIPELINE_ID: pipeline,
            BUILDKITE_ORGANIZATION_SLUG: "acme",
            BUILDKITE_PIPELINE_SLUG: "app",
        }),
        expressions: () => ({}),
        ...welcomeJob("https://agent.buildkite.com"),
        projectId: pipeline,
        signer: "--certificate-oidc-issuer https://agent.buildkite.com --certificate-identity https://buildkite.com/acme/app",
    },
};

/** What is different in GitLab's pipeline of tag v1+2, of acme/parts/tools. */
export const gitlabTag = {
    ...welcomeJob("https://gitlab.com", ": a tag, where all are meant"),
    variables: {
        CI_COMMIT_BRANCH: "",
        CI_COMMIT_TAG: "v1+2",
        CI_PROJECT_URL: "https://gitlab.com/acme/parts/tools",
    },
    signer: "--certificate-oidc-issuer https://gitlab.com --certificate-identity-regexp ^https://gitlab\\.com/acme/parts/tools//\\.gitlab-ci\\.yml@refs/(heads|tags)/",
};
