import * as pulumi from "@pulumi/pulumi";
import type { RepositoryGuardInputs } from "../../../provider/aws/repositoryGuard";
import { awsAccount } from "../../account/awsAccount";
import type { ImageRepository } from "./imageRepository";

export interface RepositoryGuardArgs {
    /** One at least. */
    repositories: ImageRepository[];
    /** As that of the repositories. @default false */
    forceDelete?: boolean;
}

/**
 * Deletes nothing, and is deleted first if everything else is in its `dependsOn`: that is when it looks whether the
 * repositories may be deleted.
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
