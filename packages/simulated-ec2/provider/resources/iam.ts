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
import { type Kind, unlessGone } from "../kind";
import {
    fromTagList,
    optionalNumber,
    optionalText,
    type Properties,
    tagList,
    text,
    texts,
    type Value,
} from "../values";

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

export const role: Kind = {
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

export const rolePolicy: Kind = {
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

export const instanceProfile: Kind = {
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

export const openIdConnectProvider: Kind = {
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
