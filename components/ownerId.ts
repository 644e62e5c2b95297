import * as pulumi from "@pulumi/pulumi";

/** A random id, made once, that a stack's state has and nobody else: see provider/ownerId.ts. */
export class OwnerId extends pulumi.CustomResource {
    constructor(name: string, opts?: pulumi.CustomResourceOptions) {
        super("native-buildx:index:OwnerId", name, {}, opts);
    }
}
