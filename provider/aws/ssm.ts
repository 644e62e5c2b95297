import { DeleteParameterCommand, GetParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { type Account, clientSettings } from "./account";
import { unless } from "./unless";

/** Calls to SSM, about one parameter that holds a plain text. */
export class ParameterCalls {
    private readonly client: SSMClient;

    constructor(
        account: Account,
        private readonly path: string,
    ) {
        this.client = new SSMClient(clientSettings(account));
    }

    /** @returns undefined if there is none of this path */
    async value(): Promise<string | undefined> {
        const asked = this.client.send(new GetParameterCommand({ Name: this.path }));
        return (await unless("ParameterNotFound", asked))?.Parameter?.Value;
    }

    /** @returns whether it was made: not if there is one of this path, which stays as it is then */
    async create(value: string, description: string, tags: { [name: string]: string }): Promise<boolean> {
        const asked = new PutParameterCommand({
            Name: this.path,
            Description: description,
            Type: "String",
            Value: value,
            Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
        });
        return (await unless("ParameterAlreadyExists", this.client.send(asked))) !== undefined;
    }

    async overwrite(value: string): Promise<void> {
        await this.client.send(
            new PutParameterCommand({ Name: this.path, Type: "String", Value: value, Overwrite: true }),
        );
    }

    async delete(): Promise<void> {
        await unless("ParameterNotFound", this.client.send(new DeleteParameterCommand({ Name: this.path })));
    }
}
