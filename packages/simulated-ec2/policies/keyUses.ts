/** What a call needs of the customer keys that it encrypts with, or that what it reads is encrypted with. For tests. */

import type { Call } from "../control";
import type { Request } from "./policyEvaluator";

/** https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html#ebs-encryption-permissions */
const encryptingVolumes = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
];

/** The service uses the key in the caller's name: the caller needs the permission, and KMS sees the service. */
export function usesOfKeys(call: Call): Request[] {
    const { action, parameters = {} } = call;
    switch (action) {
        case "ssm:PutParameter":
            return isKey(parameters.KeyId) ? [use(call, "kms:Encrypt", parameters.KeyId, call.resources[0])] : [];
        case "ssm:GetParameter":
        case "ssm:GetParameters":
            return parameters.WithDecryption === true
                ? stored(call).map(([parameter, key]) => use(call, "kms:Decrypt", key, parameter))
                : [];
        case "ec2:RunInstances":
        case "ec2:CreateVolume":
            return Object.entries(parameters)
                .filter(([name]) => /(^|\.)KmsKeyId$/.test(name))
                .flatMap(([, key]) =>
                    isKey(key) ? encryptingVolumes.map((permission) => use(call, permission, key)) : [],
                );
        case "ec2:StartInstances":
        case "ec2:AttachVolume":
            return stored(call).map(([, key]) => use(call, "kms:CreateGrant", key));
        case "ecr:CreateRepository": {
            const encryption = parameters.encryptionConfiguration as { kmsKey?: unknown } | undefined;
            const key = encryption?.kmsKey;
            return isKey(key)
                ? ["kms:CreateGrant", "kms:DescribeKey"].map((permission) => use(call, permission, key))
                : [];
        }
        default:
            return [];
    }
}

function isKey(key: unknown): key is string {
    return typeof key === "string" && /^arn:[a-z-]+:kms:/.test(key);
}

function stored(call: Call): [string, string][] {
    return Object.entries(call.keys ?? {});
}

function use(call: Call, action: string, key: string, parameter?: string): Request {
    const service = call.action.split(":")[0];
    return {
        action,
        resources: [key],
        context: {
            "kms:ViaService": `${service}.${call.region}.amazonaws.com`,
            ...(action === "kms:CreateGrant" ? { "kms:GrantIsForAWSResource": "true" } : {}),
            ...(parameter === undefined ? {} : { "kms:EncryptionContext:PARAMETER_ARN": parameter }),
        },
    };
}
