/** A login at a registry. */
export interface RegistryLogin {
    /** Host, with the port if it is not 443. */
    address: string;
    username: string;
    password: string;
    /** What to do when a push is refused, as a sentence. @default nothing is said */
    remedy?: string;
}
