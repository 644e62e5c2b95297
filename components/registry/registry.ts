import type * as pulumi from "@pulumi/pulumi";
import type { RegistryLogin } from "./registryLogin";

/** What has to run on the caller's machine before a runner is used: part of the connect script. */
export interface Prepare {
    /** Name of the shell function that does it; running it again is safe and quick. */
    command: string;
    /** Paths of the files that define it and what it uses. */
    scripts: readonly string[];
    /** The shell variables that it reads. */
    variables: { [name: string]: string };
}

/** Where images are pushed. One implementation a kind, each a component; see kinds.ts. */
export interface Registry {
    /** `host/name` that images are pushed under: image NAME goes to `host/name/NAME`. */
    readonly url: pulumi.Output<string>;
    /** Whether a cache beside the images saves anything: not on the disk that the runners' own caches are on. */
    readonly defaultCache: "registry" | "none";
    /** `host/name` of an image's repository, which is made where the registry wants that. */
    repositoryOf(image: string): pulumi.Output<string>;
    /**
     * A login that is good for all its repositories, asked for when everything in `after` is known. Undefined: none is
     * needed, or the caller's own docker login is used.
     */
    login?(after: pulumi.Output<unknown>[]): pulumi.Output<RegistryLogin>;
    /** @default nothing has to run */
    readonly prepare?: Prepare;
    /** An authority of its own that runners must trust: for runners on the same machine only. @default none */
    readonly trust?: {
        readonly host: string /** Path below the machine's data folder. */;
        readonly certificateFile: string;
    };
    /** Makes `pulumi destroy` stop before anything is gone where the registry would refuse to go. `everything` but itself. */
    guard?(everything: pulumi.Resource[]): void;
}
