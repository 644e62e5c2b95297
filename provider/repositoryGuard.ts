import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { differences, type ResourceType } from "./resource";

const run = promisify(execFile);

export interface RepositoryGuardInputs {
    /** Name of each ECR repository, and its component in the state, which has everything that belongs to it. */
    repositories: { repositoryName: string; urn: string }[];
    /** The account. */
    registryId: string;
    region: string;
    /** Profile of the AWS CLI, empty for none. */
    profile: string;
    /** Images may be deleted with the repositories. */
    forceDelete: boolean;
}

const properties = ["repositories", "registryId", "region", "profile", "forceDelete"] as const;

/** Repositories that are asked about at the same time. Each takes a process of the AWS CLI. */
const atOnce = 4;

/**
 * Deletes nothing, and is deleted first: that is when it looks whether its repositories may be.
 *
 * ECR refuses to delete a repository with images, and `pulumi destroy` would stop there, with the runners already gone.
 */
export class RepositoryGuardResource implements ResourceType<RepositoryGuardInputs, RepositoryGuardInputs> {
    changes(olds: RepositoryGuardInputs, news: RepositoryGuardInputs): string[] {
        return differences(olds, news, properties);
    }

    async create(inputs: RepositoryGuardInputs): Promise<{ id: string; outputs: RepositoryGuardInputs }> {
        return { id: inputs.repositories[0]?.repositoryName ?? "none", outputs: inputs };
    }

    async update(inputs: RepositoryGuardInputs): Promise<RepositoryGuardInputs> {
        return inputs;
    }

    async delete(guard: RepositoryGuardInputs): Promise<void> {
        if (guard.forceDelete) {
            return;
        }
        const full: RepositoryGuardInputs["repositories"] = [];
        for (let at = 0; at < guard.repositories.length; at += atOnce) {
            const some = guard.repositories.slice(at, at + atOnce);
            const found = await Promise.all(some.map(({ repositoryName }) => hasImages(repositoryName, guard)));
            full.push(...some.filter((_, index) => found[index]));
        }
        if (full.length > 0) {
            throw new Error(refusal(full, guard));
        }
    }
}

function refusal(full: RepositoryGuardInputs["repositories"], guard: RepositoryGuardInputs): string {
    const names = full.map(({ repositoryName }) => repositoryName).join(", ");
    const [repositories, hold, them] =
        full.length === 1 ? ["Repository", "holds", "it"] : ["Repositories", "hold", "them"];
    const profile = guard.profile ? `--profile ${guard.profile} ` : "";
    const where = `${profile}--registry-id ${guard.registryId} --region ${guard.region}`;
    return [
        `${repositories} ${names} still ${hold} images, and forceDelete is off. Nothing has been deleted. ` +
            `Delete ${them} with the images:`,
        ...full.map((one) => `  aws ecr delete-repository --force ${where} --repository-name ${one.repositoryName}`),
        `or keep ${them}, outside of this stack:`,
        ...full.map(({ urn }) => `  pulumi state delete --yes --target-dependents '${urn}'`),
        "and run the same command again.",
    ].join("\n");
}

async function hasImages(
    repositoryName: string,
    { registryId, region, profile }: RepositoryGuardInputs,
): Promise<boolean> {
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
                "Nothing has been deleted. The AWS command line (aws) is needed for this.",
        );
    }
}
