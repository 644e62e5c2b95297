import type { Schemas, ValuesOf } from "../../settings/values";

/** Whose tokens may be exchanged for the CI role. */
export interface TrustedIssuer {
    /** As in the ARN of IAM's OIDC provider: the URL without `https://`. */
    issuer: string;
    /** The audience that a job must ask its token for. */
    audience: string;
    /**
     * Patterns of the tokens' subjects. `*` stands for any characters and `?` for one character. A pattern has them only
     * where nobody can choose a name that contains what follows in the subject.
     */
    subjects: string[];
    /** Further conditions: operators, and under each the claims without their issuer. @default none */
    conditions?: { [operator: string]: { [claim: string]: string | string[] } };
}

/** A row of the table of identity providers. */
export interface IdentityProvider<S extends Schemas> {
    /** The settings that name whom it vouches for. */
    settings: S;
    /** Whom they name; nobody where they are empty. */
    trusted(values: ValuesOf<S>): TrustedIssuer[];
}

/** Lets the compiler see that a row's function takes the row's settings. */
export function row<S extends Schemas>(described: IdentityProvider<S>): IdentityProvider<S> {
    return described;
}

/** The beginning of such a setting's description. */
export const onAws = "EC2 runners and registry ecr only.";

/**
 * The trust in one issuer, if any entry names somebody.
 *
 * @param subjectsOf the patterns that an entry of the list stands for
 */
export function ofIssuer(
    issuer: string,
    audience: string,
    entries: readonly string[],
    subjectsOf: (entry: string) => string[],
): TrustedIssuer[] {
    return entries.length === 0 ? [] : [{ issuer, audience, subjects: entries.flatMap(subjectsOf) }];
}
