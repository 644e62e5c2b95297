import * as pulumi from "@pulumi/pulumi";
import { awsCredentialMistakes } from "../../account/awsCredentials";
import { awsRegionMistakes } from "../../account/awsRegion";
import type { ValuesOf } from "../../settings/values";
import { stackNameOf } from "../../stackName";
import type { RegistryModule } from "../kind";
import { EcrRegistry, type EcrRegistryArgs } from "./ecrRegistry";
import { imageRepositoryProblems } from "./imageRepository";
import type { ecrSettings } from "./settings";

type EcrValues = ValuesOf<typeof ecrSettings>;

export const kind: RegistryModule<EcrValues> = {
    mistakes: (values, stackName) => [
        ...awsRegionMistakes(),
        ...awsCredentialMistakes(),
        ...imageRepositoryProblems(argsOf(values, stackName)),
        ...readsFromMistakes(values.readsFrom, stackName),
    ],
    create: (name, values, { stackName, tags }) => new EcrRegistry(name, { ...argsOf(values, stackName), tags }),
};

/** An empty text means that the setting is not set. */
function argsOf(values: EcrValues, repositoryName: string): EcrRegistryArgs {
    return {
        ...values,
        repositoryName,
        readsFrom: values.readsFrom.map(repositoryOfStack),
        kmsKeyArn: values.kmsKeyArn || undefined,
    };
}

/** The name that the other stack gives to its own. */
function repositoryOfStack(stack: string): string {
    return stackNameOf(pulumi.getProject(), stack);
}

/** The names are part of a policy, where `*` would mean all stacks, and `prod*` those whose names only begin alike. */
function readsFromMistakes(stacks: readonly string[], stackName: string): string[] {
    return stacks.flatMap((stack) => {
        if (!/^[A-Za-z0-9._-]+$/.test(stack)) {
            return [`readsFrom "${stack}": must be the name of a stack, without a pattern, as in ["prod"]`];
        }
        return repositoryOfStack(stack) === stackName
            ? [`readsFrom "${stack}": is this stack, which reads its own images anyway; remove it from the list`]
            : [];
    });
}
