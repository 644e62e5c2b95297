import * as pulumi from "@pulumi/pulumi";
import { isSecretSetting, plainTextMistake } from "../../settings/secrets";
import { among, type ValuesOf } from "../../settings/values";
import type { RegistryModule } from "../kind";
import { GenericRegistry, genericRegistryProblems } from "./genericRegistry";
import { genericRegistrySettings } from "./settings";

type Values = ValuesOf<typeof genericRegistrySettings>;

export const kind: RegistryModule<Values> = {
    mistakes: (values) => [...genericRegistryProblems(values), ...plainTokenMistakes(values)],
    create: (name, values) =>
        new GenericRegistry(name, {
            ...among(genericRegistrySettings, values),
            ...(values.registryToken ? { registryToken: pulumi.secret(values.registryToken) } : {}),
        }),
};

function plainTokenMistakes({ registryToken }: Values): string[] {
    return registryToken && !isSecretSetting("registryToken")
        ? [plainTextMistake("registryToken", "pulumi config set --secret registryToken")]
        : [];
}
