import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

/** What a parameter for keys holds until its runner has published some. */
const noKeysYet = "not started yet";

export interface KeysParameterArgs {
    /** The parameter's path. */
    path: string;
    /** Whose keys it holds. */
    runner: string;
    kmsKeyArn?: string;
    tags?: { [name: string]: string };
}

/** Pulumi makes and removes it. What is in it is the runner's, and is never read into the state: it is write-only here. */
export function makeKeysParameter(name: string, args: KeysParameterArgs, parent: pulumi.Resource): aws.ssm.Parameter {
    return new aws.ssm.Parameter(
        `${name}-keys`,
        {
            name: args.path,
            description: `native-buildx: keys for clients of the ${args.runner} runner's present start`,
            type: "SecureString",
            valueWo: noKeysYet,
            valueWoVersion: 1,
            ...(args.kmsKeyArn ? { keyId: args.kmsKeyArn } : {}),
            // What an `up` that was killed has left is taken over.
            overwrite: true,
            tags: args.tags,
        },
        {
            parent,
            // Any change but that of tags writes a value: the placeholder, over keys that are in use. The runner names
            // the customer key itself when it publishes.
            ignoreChanges: ["description", "keyId", "valueWo", "valueWoVersion"],
        },
    );
}
