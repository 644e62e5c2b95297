import { createHash } from "node:crypto";
import * as ssm from "@pulumi/aws/ssm";
import type * as pulumi from "@pulumi/pulumi";
import { packScript, renderFiles } from "./ec2Bootstrap";

/** What a runner makes something of, in parameters: user data has no room for it. */
export interface RecipeParameters {
    /** In the order of their parts. */
    parameters: ssm.Parameter[];
    /** SHA-256 of the script that they hold, in hex: the runner runs no other. */
    sha256: string;
}

export interface RecipeArgs {
    /** What the paths of the parameters begin with: `-1`, `-2` and so on follow. */
    path: string;
    /** What it makes, and where, in a few words. */
    description: string;
    /** See `renderRecipe`. */
    script: string;
    tags?: { [name: string]: string };
}

/** Characters; the most that a standard parameter holds (https://docs.aws.amazon.com/general/latest/gr/ssm.html). */
const parameterLimit = 4096;

/** @param name what the names of the parameters begin with */
export function makeRecipe(name: string, args: RecipeArgs, parent: pulumi.Resource): RecipeParameters {
    const { path, description, script, tags } = args;
    const parameters = recipeParts(script).map(
        (value, at) =>
            new ssm.Parameter(
                `${name}-${at + 1}`,
                {
                    name: `${path}-${at + 1}`,
                    description: `native-buildx: ${description}, part ${at + 1}`,
                    type: "String",
                    value,
                    // What an `up` that was killed has left is taken over.
                    overwrite: true,
                    tags,
                },
                { parent },
            ),
    );
    return { parameters, sha256: createHash("sha256").update(script).digest("hex") };
}

/** A shell script that writes a recipe's files, given by their names, into a folder. */
export function renderRecipe(folder: string, files: { [name: string]: string }): string {
    const written = Object.entries(files).map(([name, text]) => ({ path: `${folder}/${name}`, mode: "755", text }));
    return ["set -eu", ...renderFiles(written), ""].join("\n");
}

/** The script as parameters hold it: gzip in base64, in pieces. */
export function recipeParts(script: string): string[] {
    return (
        packScript(script)
            .toString("base64")
            .match(new RegExp(`.{1,${parameterLimit}}`, "g")) ?? []
    );
}
