import * as pulumi from "@pulumi/pulumi";
import type { ImageIndexInputs, ImageIndexOutputs } from "../../provider/image/imageIndex";
import type { Inputs } from "./inputs";

export type IndexArgs = Inputs<ImageIndexInputs>;

/** An index (manifest list) that joins the images of an image's platforms: see provider/image/imageIndex.ts. */
export class Index extends pulumi.CustomResource {
    /** `repo:tag@sha256:...`, under the first tag. */
    declare readonly ref: pulumi.Output<string>;

    constructor(name: string, args: IndexArgs, opts?: pulumi.CustomResourceOptions) {
        const outputs: { [P in Exclude<keyof ImageIndexOutputs, keyof ImageIndexInputs>]: undefined } = {
            digest: undefined,
            ref: undefined,
            movedTags: undefined,
        };
        super("native-buildx:index:Index", name, { ...args, ...outputs }, opts);
    }
}
