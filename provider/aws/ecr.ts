import {
    CreateRepositoryCommand,
    DeleteRepositoryCommand,
    DescribeRepositoriesCommand,
    ECRClient,
    GetLifecyclePolicyCommand,
    type ImageTagMutabilityExclusionFilter,
    ListImagesCommand,
    ListTagsForResourceCommand,
    PutImageScanningConfigurationCommand,
    PutImageTagMutabilityCommand,
    PutLifecyclePolicyCommand,
    type Repository,
    TagResourceCommand,
    UntagResourceCommand,
} from "@aws-sdk/client-ecr";
import { type Account, clientSettings } from "./account";
import { unless } from "./unless";

/** The properties of a repository that can be changed. */
export interface RepositorySettings {
    scanOnPush: boolean;
    /** Pushed tags do not move. */
    immutableTags: boolean;
    /** With `immutableTags`: patterns of tags that move nevertheless. */
    movingTags: string[];
    /** A document of ECR's lifecycle policies. */
    lifecyclePolicy: { [name: string]: unknown };
    tags: { [name: string]: string };
}

/** By region and profile. What AWS takes it takes of an account, so that all repositories wait for each other in one client. */
const clients = new Map<string, ECRClient>();

function clientOf(account: Account): ECRClient {
    const settings = clientSettings(account);
    const key = JSON.stringify(settings);
    const client = clients.get(key) ?? new ECRClient(settings);
    clients.set(key, client);
    return client;
}

/** Calls to ECR, about one repository. */
export class EcrRepositoryCalls {
    private readonly client: ECRClient;
    /** How the calls name it. With the account, so that credentials of another account get a refusal, and not "none of this name". */
    private readonly name: { repositoryName: string; registryId?: string };

    constructor(account: Account, repositoryName: string, registryId?: string) {
        this.client = clientOf(account);
        this.name = { repositoryName, registryId };
    }

    /** @returns undefined if there is none of this name */
    async find(): Promise<Repository | undefined> {
        const asked = new DescribeRepositoriesCommand({
            registryId: this.name.registryId,
            repositoryNames: [this.name.repositoryName],
        });
        return (await unless("RepositoryNotFoundException", this.client.send(asked)))?.repositories?.[0];
    }

    /** @returns undefined if there is one of this name */
    async create(settings: RepositorySettings, kmsKeyArn?: string): Promise<Repository | undefined> {
        const asked = new CreateRepositoryCommand({
            ...this.name,
            imageScanningConfiguration: { scanOnPush: settings.scanOnPush },
            ...mutability(settings),
            encryptionConfiguration: kmsKeyArn ? { encryptionType: "KMS", kmsKey: kmsKeyArn } : undefined,
            tags: tagList(settings.tags),
        });
        return (await unless("RepositoryAlreadyExistsException", this.client.send(asked)))?.repository;
    }

    async settingsOf(repository: Repository): Promise<RepositorySettings> {
        const policy = new GetLifecyclePolicyCommand(this.name);
        const found = await unless("LifecyclePolicyNotFoundException", this.client.send(policy));
        return {
            scanOnPush: repository.imageScanningConfiguration?.scanOnPush === true,
            immutableTags: repository.imageTagMutability !== "MUTABLE",
            movingTags: (repository.imageTagMutabilityExclusionFilters ?? []).map(({ filter }) => filter ?? ""),
            lifecyclePolicy: JSON.parse(found?.lifecyclePolicyText ?? "{}"),
            tags: await this.tagsOf(repository),
        };
    }

    async tagsOf({ repositoryArn }: Repository): Promise<{ [name: string]: string }> {
        const { tags = [] } = await this.client.send(
            new ListTagsForResourceCommand({ resourceArn: repositoryArn ?? "" }),
        );
        return Object.fromEntries(tags.map(({ Key = "", Value = "" }) => [Key, Value]));
    }

    /** Sets every property, whatever it was before: to set what is there already changes nothing. */
    async put(settings: RepositorySettings, arn: string, oldTags: RepositorySettings["tags"]): Promise<void> {
        const { name, client } = this;
        const { scanOnPush, lifecyclePolicy, tags } = settings;
        const gone = Object.keys(oldTags).filter((name) => !(name in tags));
        await Promise.all([
            client.send(
                new PutImageScanningConfigurationCommand({
                    ...name,
                    imageScanningConfiguration: { scanOnPush },
                }),
            ),
            client.send(new PutImageTagMutabilityCommand({ ...name, ...mutability(settings) })),
            client.send(
                new PutLifecyclePolicyCommand({ ...name, lifecyclePolicyText: JSON.stringify(lifecyclePolicy) }),
            ),
            client.send(new TagResourceCommand({ resourceArn: arn, tags: tagList(tags) })),
            gone.length > 0 && client.send(new UntagResourceCommand({ resourceArn: arn, tagKeys: gone })),
        ]);
    }

    async hasImages(): Promise<boolean> {
        const asked = new ListImagesCommand({ ...this.name, maxResults: 1 });
        const found = await unless("RepositoryNotFoundException", this.client.send(asked));
        return (found?.imageIds ?? []).length > 0;
    }

    /** @returns whether it was deleted: without `force` it stays if it has images */
    async delete(force: boolean): Promise<boolean> {
        const asked = new DeleteRepositoryCommand({ ...this.name, force });
        const deleted = unless("RepositoryNotFoundException", this.client.send(asked)).then(() => true);
        return (await unless("RepositoryNotEmptyException", deleted)) ?? false;
    }
}

function mutability({ immutableTags, movingTags }: RepositorySettings) {
    if (!immutableTags) {
        return { imageTagMutability: "MUTABLE" as const };
    }
    const filters: ImageTagMutabilityExclusionFilter[] = movingTags.map((filter) => ({
        filter,
        filterType: "WILDCARD",
    }));
    return {
        imageTagMutability: "IMMUTABLE_WITH_EXCLUSION" as const,
        imageTagMutabilityExclusionFilters: filters,
    };
}

function tagList(tags: { [name: string]: string }) {
    return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
