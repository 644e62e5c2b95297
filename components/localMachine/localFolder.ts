import * as pulumi from "@pulumi/pulumi";

export interface LocalFolderArgs {
    /** Below the data folder of this machine. */
    folder: string;
    /** Script in it that ends its processes: `sh SCRIPT stop`. */
    script: string;
    /** Files below the data folder that go with it. @default none */
    alsoRemove?: string[];
}

/**
 * A folder of this machine with processes of its own in it (a local runner, the local registry). They are started by
 * the connect script, not by the resource; what the resource is for is that `pulumi destroy`, or removing a platform from
 * the configuration, ends them and removes the folder.
 */
export class LocalFolder extends pulumi.CustomResource {
    constructor(name: string, args: LocalFolderArgs, opts?: pulumi.CustomResourceOptions) {
        super("native-buildx:index:LocalFolder", name, { alsoRemove: [], ...args }, opts);
    }
}
