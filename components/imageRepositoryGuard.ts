import * as pulumi from "@pulumi/pulumi";

export interface ImageRepositoryGuardArgs {
    repositoryName: string;
    registryId: pulumi.Input<string>;
    region: pulumi.Input<string>;
    /** Profile of the AWS CLI, empty for none. */
    profile: string;
    forceDelete: boolean;
}

interface GuardProperties {
    repositoryName: string;
    registryId: string;
    region: string;
    profile: string;
    forceDelete: boolean;
}

/** The code of `delete` is kept in the stack's state and runs without this program: it may use nothing but Node. */
export const guardProvider: pulumi.dynamic.ResourceProvider<GuardProperties, GuardProperties> = {
    async create(inputs) {
        return { id: inputs.repositoryName, outs: inputs };
    },
    async diff(_id, olds, news) {
        const changed = (["repositoryName", "registryId", "region", "profile", "forceDelete"] as const).filter(
            (property) => olds[property] !== news[property],
        );
        return { changes: changed.length > 0 };
    },
    async update(_id, _olds, news) {
        return { outs: news };
    },
    async delete(_id, guard) {
        if (guard.forceDelete) {
            return;
        }
        // The message alone, without the place in this code that nobody can act on.
        const plain = (message: string) => Object.assign(new Error(message), { stack: message });
        const { execFile }: typeof import("node:child_process") = require("node:child_process");
        const profile = guard.profile ? ["--profile", guard.profile] : [];
        const answer = await new Promise<{ error: string; output: string }>((resolve) => {
            execFile(
                "aws",
                [
                    ...["ecr", "list-images", "--registry-id", guard.registryId, "--region", guard.region, ...profile],
                    // One page is enough to see an image.
                    ...["--repository-name", guard.repositoryName, "--no-paginate"],
                    ...["--query", "imageIds[0].imageDigest", "--output", "text"],
                ],
                { env: { ...process.env, AWS_PAGER: "" } },
                (error, output, errors) => resolve({ error: error ? errors || error.message : "", output }),
            );
        });
        if (answer.error) {
            if (answer.error.includes("RepositoryNotFoundException")) {
                return;
            }
            throw plain(
                `Could not see whether repository ${guard.repositoryName} still holds images: ${answer.error.trim()}. ` +
                    "Nothing that depends on it was destroyed. The AWS command line (aws) is needed for this",
            );
        }
        // `None` where there is no image.
        if (answer.output.includes("sha256:")) {
            throw plain(
                `Repository ${guard.repositoryName} still holds images, and forceDelete is off. Nothing has been destroyed yet. ` +
                    "To delete the images as well: pulumi config set forceDelete true && pulumi up && pulumi destroy. To keep " +
                    "the repository instead: pulumi state delete --target-dependents URN (pulumi stack --show-urns lists URNs)",
            );
        }
    },
};

/**
 * Deletes nothing, and is deleted first: that is when it looks whether the repository may be.
 *
 * ECR refuses to delete a repository with images, and `pulumi destroy` would stop there, with the runners already gone.
 */
export class ImageRepositoryGuard extends pulumi.dynamic.Resource {
    constructor(name: string, args: ImageRepositoryGuardArgs, opts?: pulumi.CustomResourceOptions) {
        super(guardProvider, name, args, opts, "native-buildx", "ImageRepositoryGuard");
    }
}
