import type * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { TrustedIssuer } from "./identity/identityProvider";
import type { PolicyStatement } from "./policyStatement";

export function policyDocument(statements: PolicyStatement[]): aws.iam.PolicyDocument {
    return {
        Version: "2012-10-17",
        Statement: statements.map((statement) => ({ Effect: "Allow", ...statement })),
    };
}

/**
 * Characters of all inline policies of a role together that AWS takes, white space apart; no account can have more:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
export const inlinePolicyLimit = 10_240;

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
        // IAM has no resource for a login; the statements below say what it may do.
        { Sid: "RegistryLogin", Action: ["ecr:GetAuthorizationToken"], Resource: ["*"] },
        { Sid: "PushAndPull", Action: [...pull, ...push], Resource: repositoryArns },
        { Sid: "Pull", Action: pull, Resource: readableArns },
    ];
    return policyDocument([
        ...access,
        { Sid: "ReadConnect", Action: ["ssm:GetParameters"], Resource: connectParameterArns },
        // IAM refuses a statement without a resource.
        ...(repositoryArns.length > 0 ? registry.filter(({ Resource }) => Resource.length > 0) : []),
    ]);
}

/**
 * The policy as text.
 *
 * @throws RunError where AWS does not take it
 */
export function ciPolicyText(resources: CiResources): string {
    const text = JSON.stringify(ciPolicy(resources));
    if (text.length > inlinePolicyLimit) {
        throw new pulumi.RunError(
            `The policy of the CI role has ${text.length} characters, and AWS takes ${inlinePolicyLimit}: lower ` +
                "runnersPerPlatform, or name fewer types in fallbackInstanceTypes or fewer stacks in readsFrom",
        );
    }
    return text;
}

const pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
const push = ["ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"];

/** Who may assume the CI role. */
export interface CiTrust {
    /** Each with the ARN of its OIDC provider in the account. */
    issuers: (TrustedIssuer & { providerArn: string })[];
    principalArns: string[];
}

export function ciTrustPolicy({ issuers, principalArns }: CiTrust): aws.iam.PolicyDocument {
    const statements: aws.iam.PolicyStatement[] = issuers.map((trusted) => ({
        Effect: "Allow",
        Action: "sts:AssumeRoleWithWebIdentity",
        Principal: { Federated: trusted.providerArn },
        Condition: conditionsOf(trusted),
    }));
    if (principalArns.length > 0) {
        statements.push({ Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS: principalArns } });
    }
    return { Version: "2012-10-17", Statement: statements };
}

function conditionsOf({ issuer, audience, subjects, conditions = {} }: TrustedIssuer): PolicyStatement["Condition"] {
    // Audience and subject: without the subject everybody whom the issuer knows could assume the role.
    const { StringLike = {}, ...others } = conditions;
    const all = { StringEquals: { aud: audience }, StringLike: { sub: subjects, ...StringLike }, ...others };
    return Object.fromEntries(
        Object.entries(all).map(([operator, claims]) => [
            operator,
            Object.fromEntries(Object.entries(claims).map(([claim, values]) => [`${issuer}:${claim}`, values])),
        ]),
    );
}
