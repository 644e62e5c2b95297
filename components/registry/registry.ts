import type * as pulumi from "@pulumi/pulumi";
import type { RegistryLogin } from "./registryLogin";

/**
 * Where images are pushed, whatever builds them: a component for each kind of registry. A new kind is a folder and a row of
 * kinds.ts.
 */
export interface Registry extends pulumi.ComponentResource {
    /** Its row in the table of kinds. */
    readonly kind: string;
    /** `host/name` that images are pushed under. It is also a repository for builds by hand, where the registry allows it. */
    readonly url: pulumi.Output<string>;
    /**
     * Whether a push makes the repository that it is for. If not, builds by hand go to `url` with a tag of their own.
     */
    readonly makesRepositories: boolean;
    /** Where images keep their build cache besides their runner, unless an image says it itself. */
    readonly defaultCache: "registry" | "none";
    /** The command that logs docker in, for pushing and pulling by hand. Undefined: none is needed. */
    readonly loginCommand?: pulumi.Output<string>;
    /** What has to run on the caller's machine before a runner is used. Undefined: nothing. */
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
     * Something that changes when an image's repository is made anew, such as the time of it: the images are pushed again
     * then. Undefined: it is not known.
     */
    repositoryMadeOf?(image: string): pulumi.Output<string>;
    /**
     * `host/name` of other stacks' repositories for an image of this name, which this registry's clients may pull and not
     * change: its build reads their caches, if there are any. @default none
     *
     * @param image name of the image, as in `app`
     */
    readableRepositoriesOf?(image: string): pulumi.Output<string>[];

    /**
     * A login for all of its repositories; secret. Undefined: none is needed, or the caller's own docker login is used.
     *
     * @param after what has to be known before: a login expires, and a chain of images may take longer
     */
    readonly login?: (after: pulumi.Output<unknown>[]) => pulumi.Output<RegistryLogin>;

    /**
     * Lets a `pulumi destroy` refuse before anything is deleted, where the registry would refuse in the middle of it. To be
     * called once, when all images are declared. Undefined: the registry never refuses.
     *
     * @param everything that destroy must not have deleted by then
     */
    readonly guard?: (everything: pulumi.Resource[]) => void;
}

/** A part of the connect script. It holds no secret, and no path of a machine. */
export interface RegistryPreparation {
    /**
     * Shell functions, `prepare_registry_KIND` among them. It is called without arguments, also when everything runs
     * already, and prints progress and errors to standard error. The functions of localMachine/folders.sh are there.
     */
    script: string;
    /** Shell variables that they read, by name. */
    variables: { [name: string]: string };
}

/** A certificate authority that runners have to trust. */
export interface RegistryTrust {
    /** Host, with the port if it is not 443. */
    host: string;
    /** File of the authority's certificate, below a machine's data folder. */
    certificateFile: string;
}
