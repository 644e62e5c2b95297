import { setTimeout } from "node:timers/promises";
import type { Repository } from "@aws-sdk/client-ecr";
import { Owners } from "../owners";
import { differences, type ResourceType, type Work } from "../resource";
import { type Account, command } from "./account";
import type { EcrRepositoryCalls, RepositorySettings } from "./ecr";

export interface EcrRepositoryInputs extends Account, RepositorySettings {
    repositoryName: string;
    /** Customer key of its images. @default ECR's own encryption */
    kmsKeyArn?: string;
    /** Delete its images with it. Off: a repository with images is kept. */
    forceDelete: boolean;
}

export interface EcrRepositoryOutputs extends EcrRepositoryInputs {
    /** `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME`. */
    repositoryUrl: string;
    arn: string;
    /** The account. */
    registryId: string;
    /** When it was made: a repository that was made anew has none of the images. */
    createdAt: string;
}

const settings = ["scanOnPush", "immutableTags", "movingTags", "lifecyclePolicy", "tags"] as const;

/**
 * An ECR repository. If it exists already, it is taken over, provided that its tags say that it is this stack's. If it holds
 * images, it is released and not deleted, unless `forceDelete` is on. It stays if by then it is another resource's: of a registry
 * that was renamed.
 */
export class EcrRepositoryResource implements ResourceType<EcrRepositoryInputs, EcrRepositoryOutputs> {
    readonly replacedBy = ["repositoryName", "region", "kmsKeyArn"];

    private readonly owners = new Owners();

    async check(inputs: EcrRepositoryInputs, { urn }: Pick<Work, "urn">): Promise<EcrRepositoryInputs> {
        this.owners.take(placeOf(inputs), urn);
        return inputs;
    }

    changes(olds: EcrRepositoryOutputs, news: EcrRepositoryInputs): string[] {
        const inputs = [...settings, "repositoryName", "region", "profile", "kmsKeyArn", "forceDelete"] as const;
        return changed(olds, news, inputs);
    }

    async create(inputs: EcrRepositoryInputs): Promise<{ id: string; outputs: EcrRepositoryOutputs }> {
        const calls = callsTo(inputs);
        const created = await calls.create(inputs, inputs.kmsKeyArn);
        const made = created ?? (await takeOver(calls, inputs));
        const put = () => calls.put(inputs, outputsOf(made).arn, {});
        await (created ? onceKnown(put) : put());
        // In the form that a refresh gives it: other digits of the time would look like another repository.
        const outputs = { ...inputs, ...outputsOf((await calls.find()) ?? made) };
        return { id: inputs.repositoryName, outputs };
    }

    async update(inputs: EcrRepositoryInputs, _work: Work, olds: EcrRepositoryOutputs): Promise<EcrRepositoryOutputs> {
        const { repositoryUrl, arn, registryId, createdAt } = olds;
        if (changed(olds, inputs, settings).length > 0) {
            await callsTo(inputs).put(inputs, arn, olds.tags);
        }
        return { ...inputs, repositoryUrl, arn, registryId, createdAt };
    }

    async read(outputs: EcrRepositoryOutputs): Promise<EcrRepositoryOutputs | undefined> {
        const calls = callsTo(outputs);
        const found = await calls.find();
        if (!found) {
            return undefined;
        }
        const { tags, ...rest } = await calls.settingsOf(found);
        // Others may have put tags of their own on it.
        const own = Object.fromEntries(Object.entries(tags).filter(([name]) => name in outputs.tags));
        return { ...outputs, ...rest, tags: own, ...outputsOf(found) };
    }

    async delete(outputs: EcrRepositoryOutputs, work: Work): Promise<void> {
        if (
            this.owners.isAnothers(placeOf(outputs), work.urn) ||
            (await callsTo(outputs).delete(outputs.forceDelete))
        ) {
            return;
        }
        work.log(
            "warning",
            `Repository ${outputs.repositoryName} still holds images, so it is kept, outside of this stack. ` +
                `To delete it with its images: ${deleteCommand(outputs)}`,
        );
    }
}

/** The properties that differ. The patterns of tags that move come back from ECR in an order of its own. */
function changed(
    olds: EcrRepositoryInputs,
    news: EcrRepositoryInputs,
    properties: readonly (keyof EcrRepositoryInputs)[],
): string[] {
    const ordered = (inputs: EcrRepositoryInputs) => ({ ...inputs, movingTags: [...inputs.movingTags].sort() });
    return differences(ordered(olds), ordered(news), properties);
}

function placeOf({ repositoryName, region, profile }: EcrRepositoryInputs): string {
    return JSON.stringify([repositoryName, region, profile]);
}

/** ECR makes repositories behind the scenes: for some seconds calls may not know one that was just made. */
async function onceKnown(work: () => Promise<void>): Promise<void> {
    for (let failed = 0; failed < 60; failed++) {
        try {
            return await work();
        } catch (error) {
            if ((error as Error).name !== "RepositoryNotFoundException") {
                throw error;
            }
            await setTimeout(1000);
        }
    }
    return work();
}

/** The command that deletes a repository with its images, for people. */
export function deleteCommand(repository: Account & { repositoryName: string; registryId: string }): string {
    const { repositoryName, registryId } = repository;
    return command(
        `ecr delete-repository --force --registry-id ${registryId} --repository-name ${repositoryName}`,
        repository,
    );
}

/** Takes over a repository that this stack has released, or that a killed `up` has made. */
async function takeOver(calls: EcrRepositoryCalls, inputs: EcrRepositoryInputs): Promise<Repository> {
    const { repositoryName, kmsKeyArn } = inputs;
    const found = (await calls.find()) ?? {};
    const has = await calls.tagsOf(found);
    const [missing] = Object.entries(inputs.tags).filter(([name, value]) => has[name] !== value);
    if (missing) {
        const tag = command(
            `ecr tag-resource --resource-arn ${found.repositoryArn} --tags Key=${missing[0]},Value=${missing[1]}`,
            inputs,
        );
        throw new Error(
            `Repository ${repositoryName} exists, and is not this stack's: it has no tag ${missing.join("=")}. ` +
                `Choose another name for the stack, or give the repository to it: ${tag}`,
        );
    }
    const key = found.encryptionConfiguration?.encryptionType === "KMS" ? found.encryptionConfiguration.kmsKey : "";
    if ((kmsKeyArn ?? "") !== key) {
        const deletion = deleteCommand({ ...inputs, registryId: found.registryId ?? "" });
        throw new Error(
            `kmsKeyArn: repository ${repositoryName} exists and is encrypted with ${key || "ECR's own key"}, which cannot be changed. ` +
                `Set that again, or delete it with its images: ${deletion}`,
        );
    }
    return found;
}

function outputsOf(repository: Repository) {
    const { repositoryUri = "", repositoryArn = "", registryId = "", createdAt } = repository;
    return { repositoryUrl: repositoryUri, arn: repositoryArn, registryId, createdAt: createdAt?.toISOString() ?? "" };
}

/** Loads the SDK where it is used, so that stack dev does not wait for it. */
function callsTo(repository: EcrRepositoryInputs & { registryId?: string }): EcrRepositoryCalls {
    const { EcrRepositoryCalls } = require("./ecr") as typeof import("./ecr");
    return new EcrRepositoryCalls(repository, repository.repositoryName, repository.registryId);
}
