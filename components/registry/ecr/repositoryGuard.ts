import * as pulumi from "@pulumi/pulumi";
import type { RepositoryGuardInputs } from "../../../provider/repositoryGuard";

export type RepositoryGuardArgs = { [P in keyof RepositoryGuardInputs]: pulumi.Input<RepositoryGuardInputs[P]> };

/**
 * Deletes nothing, and is deleted first: that is when it looks whether the repository may be.
 *
 * ECR refuses to delete a repository with images, and `pulumi destroy` would stop there, with the runners already gone.
 */
export class RepositoryGuard extends pulumi.CustomResource {
    constructor(name: string, args: RepositoryGuardArgs, opts?: pulumi.CustomResourceOptions) {
        super("native-buildx:index:RepositoryGuard", name, args, opts);
    }
}
