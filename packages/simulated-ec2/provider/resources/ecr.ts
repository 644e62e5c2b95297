import {
    CreateRepositoryCommand,
    DeleteLifecyclePolicyCommand,
    DeleteRepositoryCommand,
    DescribeRepositoriesCommand,
    type EncryptionType,
    GetLifecyclePolicyCommand,
    type ImageTagMutability,
    type ImageTagMutabilityExclusionFilterType,
    PutImageScanningConfigurationCommand,
    PutImageTagMutabilityCommand,
    PutLifecyclePolicyCommand,
    type Repository,
    TagResourceCommand,
} from "@aws-sdk/client-ecr";
import { type Kind, unlessGone } from "../kind";
import { list, object, optionalText, type Properties, tagList, text } from "../values";
import { policy } from "./policyText";

function repositoryOutputs(found: Repository | undefined): Properties {
    return {
        arn: found?.repositoryArn,
        imageTagMutability: found?.imageTagMutability,
        name: found?.repositoryName,
        registryId: found?.registryId,
        repositoryUrl: found?.repositoryUri,
    };
}

function mutability(inputs: Properties) {
    const filters = list(inputs.imageTagMutabilityExclusionFilters).map((value) => ({
        filter: text(object(value).filter),
        filterType: text(object(value).filterType) as ImageTagMutabilityExclusionFilterType,
    }));
    return {
        imageTagMutability: optionalText(inputs.imageTagMutability) as ImageTagMutability | undefined,
        imageTagMutabilityExclusionFilters: filters.length > 0 ? filters : undefined,
    };
}

export const repository: Kind = {
    inputs: {
        encryptionConfigurations: { encryptionType: true, kmsKey: true },
        forceDelete: true,
        imageScanningConfiguration: { scanOnPush: true },
        imageTagMutability: true,
        imageTagMutabilityExclusionFilters: { filter: true, filterType: true },
        name: true,
        tags: true,
    },
    replaceOn: ["encryptionConfigurations", "name"],
    autoname: "name",
    async create({ ecr }, inputs) {
        const encryption = object(list(inputs.encryptionConfigurations)[0]);
        const made = await ecr.send(
            new CreateRepositoryCommand({
                ...mutability(inputs),
                encryptionConfiguration: encryption.encryptionType
                    ? {
                          encryptionType: text(encryption.encryptionType) as EncryptionType,
                          kmsKey: optionalText(encryption.kmsKey),
                      }
                    : undefined,
                imageScanningConfiguration: {
                    scanOnPush: object(inputs.imageScanningConfiguration).scanOnPush === true,
                },
                repositoryName: text(inputs.name),
                tags: tagList(inputs.tags),
            }),
        );
        return { id: text(inputs.name), outputs: repositoryOutputs(made.repository) };
    },
    async read({ ecr }, id) {
        const found = await unlessGone(ecr.send(new DescribeRepositoriesCommand({ repositoryNames: [id] })));
        return found && repositoryOutputs(found.repositories?.[0]);
    },
    async update({ ecr }, id, olds, news, changed) {
        if (changed.some((property) => property.startsWith("imageTagMutability"))) {
            await ecr.send(new PutImageTagMutabilityCommand({ ...withMutability(news), repositoryName: id }));
        }
        if (changed.includes("imageScanningConfiguration")) {
            await ecr.send(
                new PutImageScanningConfigurationCommand({
                    imageScanningConfiguration: {
                        scanOnPush: object(news.imageScanningConfiguration).scanOnPush === true,
                    },
                    repositoryName: id,
                }),
            );
        }
        if (changed.includes("tags")) {
            await ecr.send(new TagResourceCommand({ resourceArn: text(olds.arn), tags: tagList(news.tags) }));
        }
    },
    async delete({ ecr }, id, state) {
        await unlessGone(
            ecr.send(new DeleteRepositoryCommand({ force: state.forceDelete === true, repositoryName: id })),
        );
    },
};

function withMutability(inputs: Properties) {
    const wanted = mutability(inputs);
    return { ...wanted, imageTagMutability: wanted.imageTagMutability ?? ("MUTABLE" as const) };
}

export const lifecyclePolicy: Kind = {
    documents: ["policy"],
    inputs: { policy: true, repository: true },
    replaceOn: ["repository"],
    async create({ ecr }, inputs) {
        const name = text(inputs.repository);
        const made = await ecr.send(
            new PutLifecyclePolicyCommand({ lifecyclePolicyText: policy(inputs.policy), repositoryName: name }),
        );
        return { id: name, outputs: { registryId: made.registryId } };
    },
    async read({ ecr }, id) {
        const found = await unlessGone(ecr.send(new GetLifecyclePolicyCommand({ repositoryName: id })));
        return found && { policy: found.lifecyclePolicyText, repository: id };
    },
    async update({ ecr }, id, _olds, news) {
        await ecr.send(new PutLifecyclePolicyCommand({ lifecyclePolicyText: policy(news.policy), repositoryName: id }));
    },
    async delete({ ecr }, id) {
        await unlessGone(ecr.send(new DeleteLifecyclePolicyCommand({ repositoryName: id })));
    },
};
