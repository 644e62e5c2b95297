import type * as aws from "@pulumi/aws";

/** One statement of an IAM policy; names as IAM writes them. */
export interface Statement {
    Sid: string;
    Action: string[];
    Resource: string[];
    Condition?: { [operator: string]: { [key: string]: string | string[] } };
}

export function policyDocument(statements: Statement[]): aws.iam.PolicyDocument {
    return {
        Version: "2012-10-17",
        Statement: statements.map((statement) => ({ Effect: "Allow", ...statement })),
    };
}

/** SSM names the parameter when it uses a key: nothing else can be encrypted or decrypted with this permission. */
function keyStatement(sid: string, action: string, parameterArns: string[], kmsKeyArn?: string): Statement[] {
    return kmsKeyArn
        ? [
              {
                  Sid: sid,
                  Action: [action],
                  Resource: [kmsKeyArn],
                  Condition: { StringEquals: { "kms:EncryptionContext:PARAMETER_ARN": parameterArns } },
              },
          ]
        : [];
}

/** What a runner's instance may do: publish its clients' keys. It cannot read what is published. */
export function runnerPolicy(parameterArns: string[], kmsKeyArn?: string): aws.iam.PolicyDocument {
    return policyDocument([
        { Sid: "PublishKeys", Action: ["ssm:PutParameter"], Resource: parameterArns },
        ...keyStatement("PublishKeysEncrypt", "kms:Encrypt", parameterArns, kmsKeyArn),
    ]);
}

/** Who may assume a runner's role: EC2, for the instance. */
export const runnerTrustPolicy: aws.iam.PolicyDocument = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com" } }],
};

/** What CI may act on. */
export interface CiResources {
    instanceArns: string[];
    /** Of ECR; `*` stands for anything. None where images are pushed to another registry. */
    repositoryArns: string[];
    connectParameterArns: string[];
    /** Where its runners publish their clients' keys. */
    keysParameterArns: string[];
    /** The customer key of the parameters and volumes, if there is one. */
    kmsKeyArn?: string;
}

/** What CI may do: wake these instances, read the connect parameters and the instances' keys, push to and pull from these repositories. */
export function ciPolicy({
    instanceArns,
    repositoryArns,
    connectParameterArns,
    keysParameterArns,
    kmsKeyArn,
}: CiResources): aws.iam.PolicyDocument {
    const statements: Statement[] = [
        { Sid: "Wake", Action: ["ec2:StartInstances"], Resource: instanceArns },
        // EC2's Describe calls know no resources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
        { Sid: "SeeStates", Action: ["ec2:DescribeInstances"], Resource: ["*"] },
        { Sid: "ReadConnect", Action: ["ssm:GetParameters"], Resource: connectParameterArns },
        { Sid: "ReadKeys", Action: ["ssm:GetParameter"], Resource: keysParameterArns },
        ...keyStatement("ReadKeysDecrypt", "kms:Decrypt", keysParameterArns, kmsKeyArn),
        ...(repositoryArns.length > 0 ? pushStatements(repositoryArns) : []),
    ];
    if (kmsKeyArn) {
        statements.push({
            // EC2 starts an instance with encrypted volumes by a grant that whoever starts it makes.
            Sid: "StartWithEncryptedVolumes",
            Action: ["kms:CreateGrant"],
            Resource: [kmsKeyArn],
            Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
        });
    }
    return policyDocument(statements);
}

function pushStatements(repositoryArns: string[]): Statement[] {
    return [
        // A login is not for one repository; what it may do there is.
        { Sid: "RegistryLogin", Action: ["ecr:GetAuthorizationToken"], Resource: ["*"] },
        {
            Sid: "PushAndPull",
            Action: [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:GetDownloadUrlForLayer",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ],
            Resource: repositoryArns,
        },
    ];
}

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
