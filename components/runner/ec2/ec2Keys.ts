import * as ssm from "@pulumi/aws/ssm";
import type * as pulumi from "@pulumi/pulumi";

/** The value of a keys' parameter until its runner has published keys. */
const noKeysYet = "not started yet";

export interface KeysParameterArgs {
    /** The parameter's path. */
    path: string;
    /** Whose keys it holds. */
    runner: string;
    kmsKeyArn?: string;
    tags?: { [name: string]: string };
}

/** Pulumi makes and removes the parameter. The runner writes its value, which never gets into the state: it is write-only here. */
export function makeKeysParameter(name: string, args: KeysParameterArgs, parent: pulumi.Resource): ssm.Parameter {
    return new ssm.Parameter(
        `${name}-keys`,
        {
            name: args.path,
            description: `native-buildx: keys for clients of the ${args.runner} runner's present start`,
            type: "SecureString",
            valueWo: noKeysYet,
            valueWoVersion: 1,
            ...(args.kmsKeyArn ? { keyId: args.kmsKeyArn } : {}),
            // Takes over what a killed `up` has left.
            overwrite: true,
            tags: args.tags,
        },
        {
            parent,
            // Any change except of tags writes the placeholder over keys that are in use. The runner names the customer key
            // itself when it publishes.
            ignoreChanges: ["description", "keyId", "valueWo", "valueWoVersion"],
        },
    );
}
