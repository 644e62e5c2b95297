import * as pulumi from "@pulumi/pulumi";
import type { NameClaimInputs } from "../../provider/aws/nameClaim";
import type { Inputs } from "../image/inputs";
import { OwnerId } from "../ownerId";
import { stackNameOf } from "../stackName";
import { awsAccount } from "./awsAccount";
import { stackTags } from "./stackTags";

/** The stack's claim on its name at AWS: see provider/aws/nameClaim.ts. */
class NameClaim extends pulumi.CustomResource {
    constructor(name: string, args: Inputs<NameClaimInputs>) {
        super("native-buildx:index:NameClaim", name, { ...args });
    }
}

/** By the connection to the engine, of which each deployment has one of its own. */
const claims = new WeakMap<object, NameClaim>();

/**
 * Options of a component that has something at AWS whose name, or tag, is made of the stack's: none of it is made before the
 * stack has claimed its name. Without that, a stack of the same name with another state would take over what is in use, and
 * delete it in the end.
 */
export function afterNameClaim(opts: pulumi.ComponentResourceOptions = {}): pulumi.ComponentResourceOptions {
    return pulumi.mergeOptions(opts, { transformations: [waitForClaim] });
}

function waitForClaim({ resource, props, opts }: pulumi.ResourceTransformationArgs) {
    return resource instanceof pulumi.ComponentResource
        ? undefined
        : { props, opts: pulumi.mergeOptions(opts, { dependsOn: nameClaim(opts.parent) }) };
}

/** The same for all components of a program: it has no parent, so that a component may be renamed. */
function nameClaim(parent?: pulumi.Resource): NameClaim {
    const deployment = pulumi.runtime.getMonitor() as object;
    const claim =
        claims.get(deployment) ??
        new NameClaim("name", {
            ...awsAccount(parent),
            stackName: stackNameOf(pulumi.getProject(), pulumi.getStack()),
            owner: new OwnerId("owner").id,
            tags: stackTags(),
        });
    claims.set(deployment, claim);
    return claim;
}
