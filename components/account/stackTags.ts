import * as pulumi from "@pulumi/pulumi";
import { stackNameOf } from "../stackName";

/** Tags with the one that says whose something at AWS is, which none of `given` displaces. Without `given`, that one alone. */
export function stackTags(given: { [name: string]: string } = {}): { [name: string]: string } {
    return { ...given, "native-buildx": stackNameOf(pulumi.getProject(), pulumi.getStack()) };
}
