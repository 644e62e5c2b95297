import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { stackNameOf } from "../stackName";

/** Characters of a role's name (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html). */
const longest = 64;

/**
 * What a component calls a role or an instance profile in the account, where other stacks and programs have theirs: its own name,
 * behind the stack's. It begins with `native-buildx`, as docs/aws-permissions.json wants it.
 */
export function accountName(name: string): string {
    const stack = stackNameOf(pulumi.getProject(), pulumi.getStack());
    const own = name.startsWith(`${stack}-`) || name === stack ? name : `${stack}-${name}`;
    const full = own.startsWith("native-buildx") ? own : `native-buildx-${own}`;
    const digest = createHash("sha256").update(full).digest("hex").slice(0, 8);
    return full.length > longest ? `${full.slice(0, longest - 9)}-${digest}` : full;
}

/** Where a component keeps its SSM parameters, unless it is told: no other component of the account does. */
export function parameterPathOf(name: string): string {
    return `/native-buildx/${pulumi.getProject()}/${pulumi.getStack()}/${name}`;
}
