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
 * A folder of this machine with the processes that work in it (a local runner, the local registry). The connect script
 * starts them, not the resource. The resource is there so that `pulumi destroy`, or the removal of a platform from the
 * configuration, ends them and removes the folder.
 */
export class LocalFolder extends pulumi.CustomResource {
    constructor(name: string, args: LocalFolderArgs, opts?: pulumi.CustomResourceOptions) {
        // Another one of the same folder would be made first, and removed with it.
        const options = { ...opts, deleteBeforeReplace: true };
        super("native-buildx:index:LocalFolder", name, { alsoRemove: [], ...args }, options);
    }
}
