import { awsRegionMistakes } from "../../awsRegion";
import type { RegistryModule, ValuesOf } from "../kind";
import { EcrRegistry } from "./ecrRegistry";
import { imageRepositoryProblems } from "./imageRepository";
import type { ecrSettings } from "./settings";

export const kind: RegistryModule<ValuesOf<typeof ecrSettings>> = {
    mistakes: (values, { stackName }) => [
        ...awsRegionMistakes(),
        ...imageRepositoryProblems({ ...values, repositoryName: stackName }),
    ],
    create: (name, values, { stackName, kmsKeyArn, tags }) =>
        new EcrRegistry(name, { ...values, repositoryName: stackName, kmsKeyArn, tags }),
};
