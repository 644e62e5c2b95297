import {
    AddTagsToResourceCommand,
    DeleteParameterCommand,
    DescribeParametersCommand,
    GetParameterCommand,
    type ParameterType,
    PutParameterCommand,
    type SSMClient,
} from "@aws-sdk/client-ssm";
import { type Kind, unlessGone } from "../kind";
import { optionalText, type Properties, tagList, text, type Value } from "../values";

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

export const parameter: Kind = {
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
