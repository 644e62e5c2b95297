import * as pulumi from "@pulumi/pulumi";
import { awsCredentialMistakes } from "../../account/awsCredentials";
import { awsRegionMistakes } from "../../account/awsRegion";
import type { ValuesOf } from "../../settings/values";
import type { RunnersModule } from "../kind";
import { Ec2Runners } from "./ec2Runners";
import { ec2Mistakes } from "./mistakes";
import type { ec2RunnerSettings } from "./settings";

export const kind: RunnersModule<ValuesOf<typeof ec2RunnerSettings>> = {
    mistakes: (values) => [...awsRegionMistakes(), ...awsCredentialMistakes(), ...ec2Mistakes(values)],
    create: (name, values, { tags }) =>
        new Ec2Runners(name, {
            ...values,
            parameterPath: `/${pulumi.getProject()}/${pulumi.getStack()}`,
            tags,
        }),
};
