import { isUnknown } from "../values";

/** An image's secrets, by id; some are not known in a preview. */
export type Secrets = { [id: string]: unknown };

/** A secret, if there is one of that id and it is known. */
export function knownSecret(secrets: Secrets, id: string): string | undefined {
    const value = secrets[id];
    return typeof value === "string" && !isUnknown(value) ? value : undefined;
}
