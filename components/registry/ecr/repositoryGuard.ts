import * as pulumi from "@pulumi/pulumi";
import type { RepositoryGuardInputs } from "../../../provider/aws/repositoryGuard";
import { awsAccount } from "../../account/awsAccount";
import type { ImageRepository } from "./imageRepository";

export interface RepositoryGuardArgs {
    /** At least one. */
    repositories: ImageRepository[];
    /** The same as the repositories'. @default false */
    forceDelete?: boolean;
}

/**
 * Looks whether the repositories may be deleted, when it is deleted itself: first, if everything else is in its
 * `dependsOn`. It deletes nothing.
 *
 * ECR refuses to delete a repository with images, and `pulumi destroy` would find that out when the runners are gone.
 */
export class RepositoryGuard extends pulumi.CustomResource {
    constructor(name: string, args: RepositoryGuardArgs, opts?: pulumi.CustomResourceOptions) {
        const inputs: { [P in keyof RepositoryGuardInputs]: pulumi.Input<RepositoryGuardInputs[P]> } = {
            repositories: args.repositories.map(({ repositoryName }) => repositoryName),
            registryId: args.repositories[0]?.registryId ?? "",
            forceDelete: args.forceDelete ?? false,
            ...awsAccount(),
        };
        super("native-buildx:index:RepositoryGuard", name, inputs, opts);
    }
}
