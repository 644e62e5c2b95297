import { getRegionOutput } from "@pulumi/aws/getRegion";
import * as ssm from "@pulumi/aws/ssm";
import * as pulumi from "@pulumi/pulumi";
import { gzipSync } from "fflate";
import { parameterPathOf } from "../account/accountNames";
import { afterNameClaim } from "../account/nameClaim";
import { withoutComments } from "../shell";

export interface ConnectParametersArgs {
    /** The connect script. */
    connect: pulumi.Input<string>;
    /** Path of the parameters, below which they are called 1, 2 and so on. @default /native-buildx/PROJECT/STACK/NAME */
    parameterPath?: string;
    /** @default none */
    tags?: { [name: string]: string };
}

/** A standard parameter holds 4 KB and costs nothing; the script, which holds no secret, needs two or three, compressed. */
const parts = 4;
const partLimit = 4096;

/** The connect script for CI, which has no access to the stack: SSM parameters that the CI role can read. */
export class ConnectParameters extends pulumi.ComponentResource {
    readonly arns: pulumi.Output<string[]>;
    /** Shell command that prints the script; pipe it to `sh -s --`. Needs the AWS CLI, base64 and gunzip. */
    readonly readCommand: pulumi.Output<string>;

    constructor(name: string, args: ConnectParametersArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:ConnectParameters", name, {}, afterNameClaim(opts));
        const parameterPath = args.parameterPath ?? parameterPathOf(name);
        const texts = pulumi.output(args.connect).apply(splitForParameters);
        const parameters = Array.from(
            { length: parts },
            (_, index) =>
                new ssm.Parameter(
                    `${name}-${index + 1}`,
                    {
                        name: `${parameterPath}/${index + 1}`,
                        description: `native-buildx: connect script for CI, part ${index + 1} of ${parts}`,
                        type: "String",
                        value: texts.apply((all) => all[index] ?? ""),
                        // Takes over what a killed `up` has left.
                        overwrite: true,
                        tags: args.tags,
                    },
                    { parent: this },
                ),
        );
        this.arns = pulumi.all(parameters.map((parameter) => parameter.arn));
        this.readCommand = getRegionOutput({}, { parent: this }).region.apply((region) =>
            readCommand(parameterPath, region),
        );
        this.registerOutputs({ arns: this.arns, readCommand: this.readCommand });
    }
}

/** The script without comments, compressed, in as many parts as there are parameters, none empty: SSM takes no empty value. */
export function splitForParameters(script: string): string[] {
    const text = Buffer.from(
        gzipSync(new TextEncoder().encode(withoutComments(script)), { level: 9, mtime: 0 }),
    ).toString("base64");
    const length = Math.ceil(text.length / parts);
    if (length > partLimit) {
        throw new pulumi.RunError(
            `The connect script needs ${text.length} bytes, and ${parts} SSM parameters hold ${parts * partLimit}: raise \`parts\` in components/ci/connectParameters.ts`,
        );
    }
    return Array.from({ length: parts }, (_, index) => text.slice(index * length, (index + 1) * length));
}

/** @see ConnectParameters.readCommand */
export function readCommand(parameterPath: string, region: string): string {
    const names = Array.from({ length: parts }, (_, index) => `${parameterPath}/${index + 1}`).join(" ");
    return (
        `aws ssm get-parameters --region ${region} --names ${names} --output text ` +
        "--query 'sort_by(Parameters,&Name)[].Value' | tr -d '[:space:]' | base64 -d | gunzip"
    );
}
