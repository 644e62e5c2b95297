import { createHash } from "node:crypto";
import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { toolchainRecipe } from "../emulation/recipe";
import { packScript, renderFiles, runnerPaths } from "./ec2Bootstrap";

/** What makes native compilers on a runner that emulates, in parameters: user data has no room for it. */
export interface RecipeParameters {
    /** Machines, as QEMU names them, of whose compilers it makes native ones. */
    machines: readonly string[];
    /** In the order of their parts. */
    parameters: aws.ssm.Parameter[];
    /** SHA-256 of the script that they hold, in hex: the runner runs no other. */
    sha256: string;
}

export interface RecipeArgs {
    /** Path below which the parameters are. */
    path: string;
    /** Who reads it. */
    runner: string;
    /** Machines, as QEMU names them, of whose compilers it makes native ones. */
    machines: readonly string[];
    tags?: { [name: string]: string };
}

/** Characters; the most that a standard parameter holds (https://docs.aws.amazon.com/general/latest/gr/ssm.html). */
const parameterLimit = 4096;

export function makeRecipe(name: string, args: RecipeArgs, parent: pulumi.Resource): RecipeParameters {
    const script = renderRecipe(args.machines);
    const parameters = recipeParts(script).map(
        (value, at) =>
            new aws.ssm.Parameter(
                `${name}-native-compilers-${at + 1}`,
                {
                    name: `${args.path}/native-compilers-${at + 1}`,
                    description: `native-buildx: what makes native compilers on the ${args.runner} runner, part ${at + 1}`,
                    type: "String",
                    value,
                    // What an `up` that was killed has left is taken over.
                    overwrite: true,
                    tags: args.tags,
                },
                { parent },
            ),
    );
    return { machines: args.machines, parameters, sha256: createHash("sha256").update(script).digest("hex") };
}

/** A shell script that writes the recipe's files. */
export function renderRecipe(machines: readonly string[]): string {
    const files = Object.entries(toolchainRecipe(machines)).map(([name, text]) => ({
        path: `${runnerPaths.toolchainRecipe}/${name}`,
        mode: "755",
        text,
    }));
    return ["set -eu", ...renderFiles(files), ""].join("\n");
}

/** The script as parameters hold it: gzip in base64, in pieces. */
export function recipeParts(script: string): string[] {
    return (
        packScript(script)
            .toString("base64")
            .match(new RegExp(`.{1,${parameterLimit}}`, "g")) ?? []
    );
}
