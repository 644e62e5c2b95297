import { awsRegionMistakes } from "../../account/awsRegion";
import type { ValuesOf } from "../../settings/values";
import type { RegistryModule } from "../kind";
import { EcrRegistry, type EcrRegistryArgs } from "./ecrRegistry";
import { imageRepositoryProblems } from "./imageRepository";
import type { ecrSettings } from "./settings";

export const kind: RegistryModule<ValuesOf<typeof ecrSettings>> = {
    mistakes: (values, stackName) => [...awsRegionMistakes(), ...imageRepositoryProblems(argsOf(values, stackName))],
    create: (name, values, { stackName, tags }) => new EcrRegistry(name, { ...argsOf(values, stackName), tags }),
};

/** An empty text is a setting that was not set. */
function argsOf(values: ValuesOf<typeof ecrSettings>, repositoryName: string): EcrRegistryArgs {
    return { ...values, repositoryName, kmsKeyArn: values.kmsKeyArn || undefined };
}
