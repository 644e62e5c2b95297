import * as pulumi from "@pulumi/pulumi";
import type { ValuesOf } from "../../settings/values";
import type { RegistryModule } from "../kind";
import { GenericRegistry, genericRegistryProblems } from "./genericRegistry";
import type { genericRegistrySettings } from "./settings";

type Values = ValuesOf<typeof genericRegistrySettings>;

export const kind: RegistryModule<Values> = {
    mistakes: (values) => [...genericRegistryProblems(values), ...plainTokenMistakes(values)],
    create: (name, values) =>
        new GenericRegistry(name, {
            ...values,
            ...(values.registryToken ? { registryToken: pulumi.secret(values.registryToken) } : {}),
        }),
};

function plainTokenMistakes({ registryToken }: Values): string[] {
    return registryToken && !isSecret("registryToken")
        ? [
              "registryToken: is in plain text in the stack's file; take it out, give it up where you got it, and set " +
                  "another by: pulumi config set --secret registryToken",
          ]
        : [];
}

/** Whether a setting of the project is kept as a secret. The SDK tells it only in a warning. */
function isSecret(setting: string): boolean {
    const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };
    return isConfigSecret(`${pulumi.getProject()}:${setting}`);
}
