import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { differences, type ResourceType, type Work } from "./resource";

const run = promisify(execFile);

export interface RepositoryGuardInputs {
    /** Name of the ECR repository. */
    repositoryName: string;
    /** The account. */
    registryId: string;
    region: string;
    /** Profile of the AWS CLI, empty for none. */
    profile: string;
    /** Images may be deleted with the repository. */
    forceDelete: boolean;
}

const properties = ["repositoryName", "registryId", "region", "profile", "forceDelete"] as const;

/**
 * Deletes nothing, and is deleted first: that is when it looks whether its repository may be.
 *
 * ECR refuses to delete a repository with images, and `pulumi destroy` would stop there, with the runners already gone.
 */
export class RepositoryGuardResource implements ResourceType<RepositoryGuardInputs, RepositoryGuardInputs> {
    changes(olds: RepositoryGuardInputs, news: RepositoryGuardInputs): string[] {
        return differences(olds, news, properties);
    }

    async create(inputs: RepositoryGuardInputs): Promise<{ id: string; outputs: RepositoryGuardInputs }> {
        return { id: inputs.repositoryName, outputs: inputs };
    }

    async update(inputs: RepositoryGuardInputs): Promise<RepositoryGuardInputs> {
        return inputs;
    }

    async delete(guard: RepositoryGuardInputs, { urn }: Work): Promise<void> {
        if (guard.forceDelete || !(await hasImages(guard))) {
            return;
        }
        const profile = guard.profile ? `--profile ${guard.profile} ` : "";
        throw new Error(
            `Repository ${guard.repositoryName} still holds images, and forceDelete is off. Nothing has been deleted that ` +
                "depends on it. Delete the repository and its images:\n" +
                `  aws ecr delete-repository --force ${profile}--registry-id ${guard.registryId} --region ${guard.region} ` +
                `--repository-name ${guard.repositoryName}\n` +
                "or keep it, outside of this stack:\n" +
                `  pulumi state delete --yes --target-dependents '${repositoryUrn(urn)}'\n` +
                "and run the same command again.",
        );
    }
}

/** The component that the guard is a child of, with everything in it. */
function repositoryUrn(guard: string): string {
    const [stack, project, types = "", ...name] = guard.split("::");
    const parents = types.slice(0, types.lastIndexOf("$"));
    return [stack, project, parents, ...name].join("::");
}

async function hasImages({ repositoryName, registryId, region, profile }: RepositoryGuardInputs): Promise<boolean> {
    const words = [
        ...["ecr", "list-images", "--registry-id", registryId, "--region", region],
        ...(profile ? ["--profile", profile] : []),
        // One page is enough to see an image.
        ...["--repository-name", repositoryName, "--no-paginate"],
        ...["--query", "imageIds[0].imageDigest", "--output", "text"],
    ];
    try {
        const { stdout } = await run("aws", words, { env: { ...process.env, AWS_PAGER: "" } });
        // `None` where there is no image.
        return stdout.includes("sha256:");
    } catch (error) {
        const { stderr = "", message } = error as Error & { stderr?: string };
        if (stderr.includes("RepositoryNotFoundException")) {
            return false;
        }
        throw new Error(
            `Could not see whether repository ${repositoryName} still holds images: ${(stderr || message).trim()}. ` +
                "Nothing that depends on it was deleted. The AWS command line (aws) is needed for this.",
        );
    }
}
