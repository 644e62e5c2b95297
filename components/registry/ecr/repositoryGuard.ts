import * as pulumi from "@pulumi/pulumi";
import type { RepositoryGuardInputs } from "../../../provider/repositoryGuard";
import type { Inputs } from "../../image/inputs";

export type RepositoryGuardArgs = Inputs<RepositoryGuardInputs>;

/** Deletes nothing, and is deleted first: that is when it looks whether the repositories may be. */
export class RepositoryGuard extends pulumi.CustomResource {
    constructor(name: string, args: RepositoryGuardArgs, opts?: pulumi.CustomResourceOptions) {
        super("native-buildx:index:RepositoryGuard", name, args, opts);
    }
}
