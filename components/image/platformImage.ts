import * as pulumi from "@pulumi/pulumi";
import type { PlatformImageInputs, PlatformImageOutputs } from "../../provider/image/platformImage";
import { type Receipt, readReceipt, type StoredReceipt } from "../../provider/progress/receipt";
import type { Inputs } from "./inputs";

export type PlatformImageArgs = Inputs<PlatformImageInputs>;

/** An image for one platform, built on its runner and pushed: see provider/image/platformImage.ts. */
export class PlatformImage extends pulumi.CustomResource {
    /** `repo:tag@sha256:...`, under the first tag. */
    declare readonly ref: pulumi.Output<string>;
    /** What its build took, as it is in the state. */
    declare private readonly receipt: pulumi.Output<StoredReceipt>;

    constructor(name: string, args: PlatformImageArgs, opts?: pulumi.CustomResourceOptions) {
        const outputs: { [P in Exclude<keyof PlatformImageOutputs, keyof PlatformImageInputs>]: undefined } = {
            digest: undefined,
            ref: undefined,
            receipt: undefined,
            movedTags: undefined,
        };
        super(
            "native-buildx:index:PlatformImage",
            name,
            { ...args, contextHash: undefined, commits: undefined, archives: undefined, ...outputs },
            opts,
        );
    }

    /** What its build took. There is none where it was left out of an `up`. */
    get took(): pulumi.Output<Receipt> {
        return this.receipt.apply((stored) => stored && readReceipt(stored));
    }
}
