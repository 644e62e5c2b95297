import * as pulumi from "@pulumi/pulumi";
import type { EcrRepositoryInputs, EcrRepositoryOutputs } from "../../../provider/aws/ecrRepository";
import type { Inputs } from "../../image/inputs";

export type EcrRepositoryArgs = Inputs<EcrRepositoryInputs>;

/** An ECR repository: see provider/aws/ecrRepository.ts. */
export class EcrRepository extends pulumi.CustomResource {
    declare readonly repositoryUrl: pulumi.Output<string>;
    declare readonly arn: pulumi.Output<string>;
    declare readonly registryId: pulumi.Output<string>;
    declare readonly createdAt: pulumi.Output<string>;

    constructor(name: string, args: EcrRepositoryArgs, opts?: pulumi.CustomResourceOptions) {
        const outputs: { [P in Exclude<keyof EcrRepositoryOutputs, keyof EcrRepositoryInputs>]: undefined } = {
            repositoryUrl: undefined,
            arn: undefined,
            registryId: undefined,
            createdAt: undefined,
        };
        super("native-buildx:index:EcrRepository", name, { ...args, ...outputs }, opts);
    }
}
