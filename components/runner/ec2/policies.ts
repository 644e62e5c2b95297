import type * as aws from "@pulumi/aws";
import { policyDocument } from "../../ci/policies";
import type { PolicyStatement } from "../../ci/policyStatement";
import { callerStatements, closingStatements } from "./callersGroup";

/**
 * What a runner's instance may do: publish its clients' keys, and close its port to callers whose time is over. It cannot
 * read the published keys.
 *
 * @param callersGroupArn the security group whose rules connect writes, if there is one
 * @param recipeArns parameters with what makes native compilers, on a runner that emulates
 */
export function runnerPolicy(
    parameterArns: string[],
    kmsKeyArn?: string,
    callersGroupArn?: string,
    recipeArns: string[] = [],
): aws.iam.PolicyDocument {
    return policyDocument([
        { Sid: "PublishKeys", Action: ["ssm:PutParameter"], Resource: parameterArns },
        ...keyStatement("PublishKeysEncrypt", "kms:Encrypt", parameterArns, kmsKeyArn),
        ...(callersGroupArn ? closingStatements(callersGroupArn) : []),
        ...(recipeArns.length > 0
            ? [{ Sid: "ReadNativeCompilers", Action: ["ssm:GetParameter"], Resource: recipeArns }]
            : []),
    ]);
}

/** What a runner's instance may do besides as a node of a compile cluster: read who the others are, and what makes it one. */
export function clusterPolicy(parameterArns: string[]): aws.iam.PolicyDocument {
    return policyDocument([{ Sid: "ReadCompileCluster", Action: ["ssm:GetParameter"], Resource: parameterArns }]);
}

/** Who may assume a runner's role: EC2, for the instance. */
export const runnerTrustPolicy: aws.iam.PolicyDocument = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com" } }],
};

/**
 * What a client of such runners needs: to wake the instances, to read their keys, and to let itself in.
 *
 * @param kmsKeyArn the customer key of the parameters and volumes, if there is one
 * @param callersGroupArn the security group whose rules connect writes, if there is one
 */
export function clientStatements(
    instanceArns: string[],
    keysParameterArns: string[],
    kmsKeyArn: string | undefined,
    callersGroupArn?: string,
): PolicyStatement[] {
    const encrypted: PolicyStatement[] = kmsKeyArn
        ? [
              {
                  // To start an instance with encrypted volumes, EC2 needs a grant from whoever starts it.
                  Sid: "StartWithEncryptedVolumes",
                  Action: ["kms:CreateGrant"],
                  Resource: [kmsKeyArn],
                  Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
              },
          ]
        : [];
    const keys = keysPatterns(keysParameterArns);
    return [
        { Sid: "Wake", Action: ["ec2:StartInstances"], Resource: instanceArns },
        // EC2's Describe calls have no resources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
        { Sid: "SeeStates", Action: ["ec2:DescribeInstances"], Resource: ["*"] },
        { Sid: "ReadKeys", Action: ["ssm:GetParameter"], Resource: keys },
        ...keyStatement("ReadKeysDecrypt", "kms:Decrypt", keys, kmsKeyArn),
        ...encrypted,
        ...(callersGroupArn ? callerStatements(callersGroupArn) : []),
    ];
}

/**
 * Patterns that fit the parameters of a platform's runners and of their stand-ins, and those of no other stack: a role's
 * policies have room for few ARNs.
 */
function keysPatterns(arns: string[]): string[] {
    return [...new Set(arns.map((arn) => arn.replace(/_\d+(?=\/keys)/, "_*").replace(/\/keys[^/]*$/, "/keys*")))];
}

/** SSM names the parameter when it uses a key: this permission is good for nothing else. */
function keyStatement(sid: string, action: string, parameterArns: string[], kmsKeyArn?: string): PolicyStatement[] {
    return kmsKeyArn
        ? [
              {
                  Sid: sid,
                  Action: [action],
                  Resource: [kmsKeyArn],
                  Condition: { StringLike: { "kms:EncryptionContext:PARAMETER_ARN": parameterArns } },
              },
          ]
        : [];
}
