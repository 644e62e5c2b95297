import { differences, type ResourceType, type Work } from "../resource";
import type { Account } from "./account";
import { deleteCommand } from "./ecrRepository";

export interface RepositoryGuardInputs extends Account {
    /** Names of the stack's repositories. */
    repositories: string[];
    /** The account. */
    registryId: string;
    /** Images may be deleted with their repository. */
    forceDelete: boolean;
}

/**
 * Makes and deletes nothing. Only `pulumi destroy` deletes it, before everything else, and stops there if a repository still
 * holds images, while the runners are still there. An image that is removed from the configuration only shortens its list.
 */
export class RepositoryGuardResource implements ResourceType<RepositoryGuardInputs, RepositoryGuardInputs> {
    changes(olds: RepositoryGuardInputs, news: RepositoryGuardInputs): string[] {
        return differences(olds, news, ["repositories", "registryId", "region", "profile", "forceDelete"]);
    }

    async create(inputs: RepositoryGuardInputs): Promise<{ id: string; outputs: RepositoryGuardInputs }> {
        return { id: "repositories", outputs: inputs };
    }

    async update(inputs: RepositoryGuardInputs): Promise<RepositoryGuardInputs> {
        return inputs;
    }

    async delete(guard: RepositoryGuardInputs, { urn }: Work): Promise<void> {
        const full = guard.forceDelete ? [] : await withImages(guard);
        if (full.length === 0) {
            return;
        }
        const commands = full.map((repositoryName) => `  ${deleteCommand({ ...guard, repositoryName })}\n`);
        const [repositories, them] = full.length === 1 ? ["Repository", "it"] : ["Repositories", "them"];
        throw new Error(
            `${repositories} ${full.join(", ")} still ${full.length === 1 ? "holds" : "hold"} images, and forceDelete is off. ` +
                `Nothing has been deleted. Delete ${them} with the images:\n${commands.join("")}` +
                `or keep ${them}, outside of this stack:\n` +
                `  pulumi state delete --yes '${urn}'\n` +
                "and run the same command again.",
        );
    }
}

async function withImages(guard: RepositoryGuardInputs): Promise<string[]> {
    const { EcrRepositoryCalls } = require("./ecr") as typeof import("./ecr");
    const { repositories } = guard;
    const found = await Promise.all(
        repositories.map((repository) =>
            new EcrRepositoryCalls(guard, repository, guard.registryId).hasImages().catch((error: Error) => {
                throw new Error(
                    `Could not see whether repository ${repository} still holds images: ${error.message}. ` +
                        "Nothing has been deleted.",
                );
            }),
        ),
    );
    return repositories.filter((_repository, at) => found[at]);
}
