import type * as aws from "@pulumi/aws";

/** One statement of an IAM policy; names as IAM writes them. */
export interface PolicyStatement {
    Sid: string;
    Action: string[];
    Resource: string[];
    Condition?: { [operator: string]: { [key: string]: string | string[] } };
}

export function policyDocument(statements: PolicyStatement[]): aws.iam.PolicyDocument {
    return {
        Version: "2012-10-17",
        Statement: statements.map((statement) => ({ Effect: "Allow", ...statement })),
    };
}

/** What CI may act on. */
export interface CiResources {
    /** What the runners want allowed. */
    access: PolicyStatement[];
    /** Pushed to and pulled from. */
    repositoryArns: string[];
    /** Pulled from, and never pushed to. @default none */
    readableArns?: string[];
    connectParameterArns: string[];
}

/** What CI may do: use the runners, read how to connect to them, push to and pull from these repositories. */
export function ciPolicy(resources: CiResources): aws.iam.PolicyDocument {
    const { access, repositoryArns, readableArns = [], connectParameterArns } = resources;
    const registry: PolicyStatement[] = [
        // A login is not for one repository; what it may do there is.
        { Sid: "RegistryLogin", Action: ["ecr:GetAuthorizationToken"], Resource: ["*"] },
        { Sid: "PushAndPull", Action: [...pull, ...push], Resource: repositoryArns },
        { Sid: "Pull", Action: pull, Resource: readableArns },
    ];
    return policyDocument([
        ...access,
        { Sid: "ReadConnect", Action: ["ssm:GetParameters"], Resource: connectParameterArns },
        // IAM takes no statement about nothing.
        ...(repositoryArns.length > 0 ? registry.filter(({ Resource }) => Resource.length > 0) : []),
    ]);
}

const pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
const push = ["ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"];

/** Issuer of GitHub's tokens. */
export const githubIssuer = "token.actions.githubusercontent.com";

/** Who may assume the CI role. */
export interface CiTrust {
    /** ARN of GitHub's OIDC provider in the account; with `githubSubjects`. */
    oidcProviderArn?: string;
    /** Subjects of GitHub's tokens, as in `repo:ORGANIZATION/REPOSITORY:*`. */
    githubSubjects: string[];
    principalArns: string[];
}

export function ciTrustPolicy({ oidcProviderArn, githubSubjects, principalArns }: CiTrust): aws.iam.PolicyDocument {
    const statements: aws.iam.PolicyStatement[] = [];
    if (oidcProviderArn && githubSubjects.length > 0) {
        statements.push({
            Effect: "Allow",
            Action: "sts:AssumeRoleWithWebIdentity",
            Principal: { Federated: oidcProviderArn },
            // Both are needed: without the subject every repository on GitHub could assume the role.
            Condition: {
                StringEquals: { [`${githubIssuer}:aud`]: "sts.amazonaws.com" },
                StringLike: { [`${githubIssuer}:sub`]: githubSubjects },
            },
        });
    }
    if (principalArns.length > 0) {
        statements.push({ Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS: principalArns } });
    }
    return { Version: "2012-10-17", Statement: statements };
}
