import type * as pulumi from "@pulumi/pulumi";

/** A login at a registry. */
export interface RegistryLogin {
    /** Host, with the port if it is not 443. */
    address: string;
    username: string;
    password: string;
}

/** One that a component takes: all of it, or each part, may be an output. */
export type RegistryLoginInput = pulumi.Input<{ [Part in keyof RegistryLogin]: pulumi.Input<RegistryLogin[Part]> }>;

/**
 * Logins that are asked for when everything in `after` is known: one does not last for ever, and the images of a chain may
 * take longer.
 */
export type RegistryLogins = (after: pulumi.Output<unknown>[]) => RegistryLoginInput;
