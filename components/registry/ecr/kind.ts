import * as pulumi from "@pulumi/pulumi";
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
        ...imageRepositoryProblems(argsOf(values, stackName)),
        ...readsFromMistakes(values.readsFrom, stackName),
    ],
    create: (name, values, { stackName, tags }) => new EcrRegistry(name, { ...argsOf(values, stackName), tags }),
};

/** An empty text is a setting that was not set. */
function argsOf(values: EcrValues, repositoryName: string): EcrRegistryArgs {
    return {
        ...values,
        repositoryName,
        readsFrom: values.readsFrom.map(repositoryOfStack),
        kmsKeyArn: values.kmsKeyArn || undefined,
    };
}

/** As the other stack names its own. */
function repositoryOfStack(stack: string): string {
    return stackNameOf(pulumi.getProject(), stack);
}

/** What stands in a policy: `*` would be all stacks, and `prod*` those whose names only begin alike. */
function readsFromMistakes(stacks: readonly string[], stackName: string): string[] {
    return stacks.flatMap((stack) => {
        if (!/^[A-Za-z0-9._-]+$/.test(stack)) {
            return [`readsFrom "${stack}": is no stack's name; write each by its own name, as in ["prod"]`];
        }
        return repositoryOfStack(stack) === stackName
            ? [`readsFrom "${stack}": is this stack, which has its own images anyway; name others`]
            : [];
    });
}
