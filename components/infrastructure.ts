import type * as pulumi from "@pulumi/pulumi";
import type { RegistryLogins } from "./registry/registryLogin";
import type { Runner } from "./runner/runner";

/** What a kind of runner brings along: everything below the builder and the images. */
export interface Infrastructure {
    /** One for each platform of the configuration. */
    runners: Runner[];
    /** `host/name` that images are pushed under: image NAME goes to `host/name/NAME`. */
    repositoryUrl: pulumi.Output<string>;
    /** `host/name` of one image's repository. */
    repositoryOf(image: string): pulumi.Output<string>;
    /** When an image's repository was made. Undefined where one repository, or none, is made for them. */
    repositoryMadeOf?(image: string): pulumi.Output<string>;
    /** Logins for an image's repository. Undefined where none is needed. */
    loginsOf?(image: string): RegistryLogins;
    /** Where images keep their cache besides the runner, unless they say so themselves. */
    cache: "registry" | "none";
}
