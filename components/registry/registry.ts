import type * as pulumi from "@pulumi/pulumi";
import type { RegistryLogin } from "./registryLogin";

/**
 * Where images are pushed, whatever builds them: one component for each kind of registry. A new kind is a folder and a row
 * of kinds.ts.
 */
export interface Registry extends pulumi.ComponentResource {
    /** Its row in the table of kinds. */
    readonly kind: string;
    /** `host/name` that images are pushed under; a repository of its own, for builds by hand, where the registry takes it. */
    readonly url: pulumi.Output<string>;
    /** Where images keep their build cache besides their runner, unless they say so themselves. */
    readonly defaultCache: "registry" | "none";
    /** A command that logs docker in by hand, for whoever pushes and pulls without this program. Undefined: none is needed. */
    readonly loginCommand?: pulumi.Output<string>;
    /** What runs on the caller's machine before a runner is used. Undefined: nothing. */
    readonly prepare?: RegistryPreparation;
    /** The authority that signed its certificate, where machines do not know it. */
    readonly trust?: RegistryTrust;
    /** ARNs of its repositories, for policies of AWS; `*` stands for anything. Undefined: it is not AWS's. */
    readonly repositoryArns?: pulumi.Output<string[]>;
    /** ARNs of others' repositories, from which its clients may pull. @default none */
    readonly readableArns?: pulumi.Output<string[]>;

    /**
     * `host/name` of an image's repository, which is made where the registry wants that. To be called while the program
     * runs, not in an `apply`; the same image gets the same repository.
     *
     * @param image name of the image, as in `app`
     */
    repositoryOf(image: string): pulumi.Output<string>;
    /**
     * When an image's repository was made, say: where this changes, it holds none of the images, and they are pushed anew.
     * Undefined: that is not known.
     */
    repositoryMadeOf?(image: string): pulumi.Output<string>;
    /**
     * `host/name` of the repositories in which others, whose images this registry's clients may pull and not change, have an
     * image of this name: its build reads their cache, if there is any. @default none
     *
     * @param image name of the image, as in `app`
     */
    readableRepositoriesOf?(image: string): pulumi.Output<string>[];

    /**
     * A login for all of its repositories; secret. Undefined: none is needed, or the caller's own docker login is used.
     *
     * @param after what has to be known before: a login does not last for ever, and the images of a chain may take longer
     */
    readonly login?: (after: pulumi.Output<unknown>[]) => pulumi.Output<RegistryLogin>;

    /**
     * Lets a `pulumi destroy` refuse before anything is gone, where the registry would refuse in the middle. To be called
     * once, when all images are declared. Undefined: it never refuses.
     *
     * @param everything that destroy must not have deleted by then
     */
    readonly guard?: (everything: pulumi.Resource[]) => void;
}

/** A part of the connect script. It holds no secret, and no path of a machine. */
export interface RegistryPreparation {
    /**
     * Shell functions, `prepare_registry_KIND` among them. It is called without arguments, also when all runs already, and
     * says progress and errors on standard error. The functions of localMachine/folders.sh are there.
     */
    script: string;
    /** Shell variables that they read, by name. */
    variables: { [name: string]: string };
}

/** An authority that runners have to be shown. */
export interface RegistryTrust {
    /** Host, with the port if it is not 443. */
    host: string;
    /** File of the authority's certificate, below a machine's data folder. */
    certificateFile: string;
}
