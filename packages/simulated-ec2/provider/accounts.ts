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
import {
    AddRoleToInstanceProfileCommand,
    CreateInstanceProfileCommand,
    CreateOpenIDConnectProviderCommand,
    CreateRoleCommand,
    DeleteInstanceProfileCommand,
    DeleteOpenIDConnectProviderCommand,
    DeleteRoleCommand,
    DeleteRolePolicyCommand,
    GetInstanceProfileCommand,
    GetOpenIDConnectProviderCommand,
    GetRoleCommand,
    GetRolePolicyCommand,
    type IAMClient,
    PutRolePolicyCommand,
    RemoveRoleFromInstanceProfileCommand,
    TagInstanceProfileCommand,
    TagOpenIDConnectProviderCommand,
    TagRoleCommand,
    UpdateAssumeRolePolicyCommand,
    UpdateRoleCommand,
} from "@aws-sdk/client-iam";
import {
    AddTagsToResourceCommand,
    DeleteParameterCommand,
    DescribeParametersCommand,
    GetParameterCommand,
    type ParameterType,
    PutParameterCommand,
    type SSMClient,
} from "@aws-sdk/client-ssm";
import { type Kind, unlessGone } from "./kind";
import {
    fromTagList,
    list,
    object,
    optionalNumber,
    optionalText,
    type Properties,
    tagList,
    text,
    texts,
    type Value,
} from "./values";

/** A policy as one string, whatever its author's spacing. */
function policy(value: Value): string {
    return JSON.stringify(typeof value === "string" ? JSON.parse(value) : value);
}

async function findRole(iam: IAMClient, name: string): Promise<Properties | undefined> {
    const role = (await unlessGone(iam.send(new GetRoleCommand({ RoleName: name }))))?.Role;
    return (
        role && {
            arn: role.Arn,
            assumeRolePolicy: policy(decodeURIComponent(role.AssumeRolePolicyDocument ?? "{}")),
            description: role.Description,
            maxSessionDuration: role.MaxSessionDuration,
            name: role.RoleName,
            tags: fromTagList(role.Tags),
            tagsAll: fromTagList(role.Tags),
            uniqueId: role.RoleId,
        }
    );
}

const role: Kind = {
    documents: ["assumeRolePolicy"],
    inputs: { assumeRolePolicy: true, description: true, maxSessionDuration: true, name: true, tags: true },
    replaceOn: ["name"],
    autoname: "name",
    async create({ iam }, inputs) {
        const name = text(inputs.name);
        await iam.send(
            new CreateRoleCommand({
                AssumeRolePolicyDocument: policy(inputs.assumeRolePolicy),
                Description: optionalText(inputs.description),
                MaxSessionDuration: optionalNumber(inputs.maxSessionDuration),
                RoleName: name,
                Tags: tagList(inputs.tags),
            }),
        );
        return { id: name, outputs: (await findRole(iam, name)) ?? {} };
    },
    read: ({ iam }, id) => findRole(iam, id),
    async update({ iam }, id, _olds, news, changed) {
        if (changed.includes("assumeRolePolicy")) {
            await iam.send(
                new UpdateAssumeRolePolicyCommand({ PolicyDocument: policy(news.assumeRolePolicy), RoleName: id }),
            );
        }
        if (changed.includes("description") || changed.includes("maxSessionDuration")) {
            await iam.send(
                new UpdateRoleCommand({
                    Description: optionalText(news.description),
                    MaxSessionDuration: optionalNumber(news.maxSessionDuration),
                    RoleName: id,
                }),
            );
        }
        if (changed.includes("tags")) {
            await iam.send(new TagRoleCommand({ RoleName: id, Tags: tagList(news.tags) }));
        }
    },
    async delete({ iam }, id) {
        await unlessGone(iam.send(new DeleteRoleCommand({ RoleName: id })));
    },
};

const rolePolicy: Kind = {
    documents: ["policy"],
    inputs: { name: true, policy: true, role: true },
    replaceOn: ["name", "role"],
    autoname: "name",
    async create({ iam }, inputs) {
        await iam.send(
            new PutRolePolicyCommand({
                PolicyDocument: policy(inputs.policy),
                PolicyName: text(inputs.name),
                RoleName: text(inputs.role),
            }),
        );
        return { id: `${text(inputs.role)}:${text(inputs.name)}`, outputs: {} };
    },
    async read({ iam }, _id, state) {
        const found = await unlessGone(
            iam.send(new GetRolePolicyCommand({ PolicyName: text(state.name), RoleName: text(state.role) })),
        );
        return found && { policy: policy(decodeURIComponent(found.PolicyDocument ?? "{}")) };
    },
    async update({ iam }, _id, olds, news) {
        await iam.send(
            new PutRolePolicyCommand({
                PolicyDocument: policy(news.policy),
                PolicyName: text(olds.name),
                RoleName: text(olds.role),
            }),
        );
    },
    async delete({ iam }, _id, state) {
        await unlessGone(
            iam.send(new DeleteRolePolicyCommand({ PolicyName: text(state.name), RoleName: text(state.role) })),
        );
    },
};

const instanceProfile: Kind = {
    inputs: { name: true, role: true, tags: true },
    replaceOn: ["name", "role"],
    autoname: "name",
    async create({ iam }, inputs) {
        const name = text(inputs.name);
        const made = await iam.send(
            new CreateInstanceProfileCommand({ InstanceProfileName: name, Tags: tagList(inputs.tags) }),
        );
        await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName: text(inputs.role) }));
        return { id: name, outputs: { arn: made.InstanceProfile?.Arn } };
    },
    async read({ iam }, id) {
        const found = await unlessGone(iam.send(new GetInstanceProfileCommand({ InstanceProfileName: id })));
        const profile = found?.InstanceProfile;
        return profile && { arn: profile.Arn, name: profile.InstanceProfileName, role: profile.Roles?.[0]?.RoleName };
    },
    async update({ iam }, id, _olds, news) {
        await iam.send(new TagInstanceProfileCommand({ InstanceProfileName: id, Tags: tagList(news.tags) }));
    },
    async delete({ iam }, id, state) {
        await unlessGone(
            iam.send(new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName: id, RoleName: text(state.role) })),
        );
        await unlessGone(iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName: id })));
    },
};

const openIdConnectProvider: Kind = {
    inputs: { clientIdLists: true, tags: true, url: true },
    replaceOn: ["clientIdLists", "url"],
    async create({ iam }, inputs) {
        const made = await iam.send(
            new CreateOpenIDConnectProviderCommand({
                ClientIDList: texts(inputs.clientIdLists),
                Tags: tagList(inputs.tags),
                Url: text(inputs.url),
            }),
        );
        const id = made.OpenIDConnectProviderArn ?? "";
        return { id, outputs: { arn: id } };
    },
    async read({ iam }, id) {
        const found = await unlessGone(iam.send(new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: id })));
        return found && { arn: id, clientIdLists: found.ClientIDList };
    },
    async update({ iam }, id, _olds, news) {
        await iam.send(new TagOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: id, Tags: tagList(news.tags) }));
    },
    async delete({ iam }, id) {
        await unlessGone(iam.send(new DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: id })));
    },
};

/** As the AWS provider: what is write-only is not read back. */
async function findParameter(ssm: SSMClient, name: string, state: Properties): Promise<Properties | undefined> {
    const found = await unlessGone(ssm.send(new GetParameterCommand({ Name: name, WithDecryption: true })));
    const filter = { Key: "Name", Option: "Equals", Values: [name] };
    const described = await ssm.send(new DescribeParametersCommand({ ParameterFilters: [filter] }));
    const parameter = found?.Parameter;
    const metadata = described.Parameters?.[0];
    const isWriteOnly = state.valueWo !== undefined && state.valueWo !== null;
    return (
        parameter && {
            arn: parameter.ARN,
            dataType: parameter.DataType,
            description: metadata?.Description,
            hasValueWo: isWriteOnly,
            keyId: metadata?.KeyId,
            name: parameter.Name,
            type: parameter.Type,
            ...(isWriteOnly ? {} : { value: parameter.Value }),
            version: parameter.Version,
        }
    );
}

async function tagParameter(ssm: SSMClient, name: string, tags: Value): Promise<void> {
    await ssm.send(new AddTagsToResourceCommand({ ResourceId: name, ResourceType: "Parameter", Tags: tagList(tags) }));
}

const parameter: Kind = {
    inputs: {
        description: true,
        keyId: true,
        name: true,
        overwrite: true,
        tags: true,
        type: true,
        value: true,
        valueWo: true,
        valueWoVersion: true,
    },
    replaceOn: ["name"],
    autoname: "name",
    async create({ ssm }, inputs) {
        const name = text(inputs.name);
        const overwrite = inputs.overwrite === true;
        await ssm.send(
            new PutParameterCommand({
                Description: optionalText(inputs.description),
                KeyId: optionalText(inputs.keyId),
                Name: name,
                Overwrite: overwrite,
                // SSM takes tags only where nothing can be overwritten.
                Tags: overwrite ? undefined : tagList(inputs.tags),
                Type: text(inputs.type) as ParameterType,
                Value: text(inputs.valueWo ?? inputs.value),
            }),
        );
        if (overwrite) {
            await tagParameter(ssm, name, inputs.tags);
        }
        return { id: name, outputs: { ...(await findParameter(ssm, name, inputs)), tagsAll: inputs.tags ?? {} } };
    },
    read: ({ ssm }, id, state) => findParameter(ssm, id, state),
    async update({ ssm }, id, _olds, news, changed) {
        if (changed.some((property) => property !== "tags" && property !== "overwrite")) {
            // A write-only value is written when its version changes; otherwise there is none to write.
            const value = changed.includes("valueWoVersion") ? news.valueWo : news.value;
            await ssm.send(
                new PutParameterCommand({
                    Description: changed.includes("description") ? optionalText(news.description) : undefined,
                    KeyId: changed.includes("keyId") ? optionalText(news.keyId) : undefined,
                    Name: id,
                    Overwrite: true,
                    Type: text(news.type) as ParameterType,
                    Value: text(value ?? ""),
                }),
            );
        }
        if (changed.includes("tags")) {
            await tagParameter(ssm, id, news.tags);
        }
    },
    async delete({ ssm }, id) {
        await unlessGone(ssm.send(new DeleteParameterCommand({ Name: id })));
    },
};

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

const repository: Kind = {
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

const lifecyclePolicy: Kind = {
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

export const accountKinds: { readonly [token: string]: Kind } = {
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": lifecyclePolicy,
    "aws:ecr/repository:Repository": repository,
    "aws:iam/instanceProfile:InstanceProfile": instanceProfile,
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": openIdConnectProvider,
    "aws:iam/role:Role": role,
    "aws:iam/rolePolicy:RolePolicy": rolePolicy,
    "aws:ssm/parameter:Parameter": parameter,
};
