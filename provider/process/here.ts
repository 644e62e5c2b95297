import type { RegistryLogin } from "../../components/registry/registryLogin";

/** A runner that compiles for the build of another. */
export interface Helper {
    /** Its name. */
    runner: string;
    /** Name of the builder that has this runner alone. */
    builder: string;
}

/** What a resource needs while it works and that belongs to this machine and this moment. It is in no state. */
export interface Here {
    /** Key of the connect script, which function `keepScript` was given. */
    connect: string;
    /** Folder that relative paths start from. */
    project: string;
    /** Full path of the Dockerfile, where it was given by that. @default the resource's input says where it is */
    dockerfile?: string;
    /** How many builds run side by side on one runner. */
    buildsPerRunner: number;
    /** Runners that are woken before the build, to compile for it. @default none */
    helpers?: Helper[];
    /** Logins of the registry that is pushed to and of those that its bases are in, each once. @default none */
    logins?: RegistryLogin[];
}

/**
 * Keeps `here` from a resource's check, with which every preview and `up` begins, until its create or update. So it is not
 * among the checked inputs, and not in the state.
 */
export class HereMemory {
    private readonly known = new Map<string, Here>();

    /** The inputs without `here`. */
    remember<Inputs extends { here?: Here }>(urn: string, { here, ...inputs }: Inputs): Omit<Inputs, "here"> {
        if (here) {
            this.known.set(urn, here);
        }
        return inputs;
    }

    of(urn: string): Here {
        const here = this.known.get(urn);
        if (!here) {
            throw new Error(`${urn} was not checked before it was to be made`);
        }
        return here;
    }
}
