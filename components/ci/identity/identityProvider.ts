import type { Schemas, ValuesOf } from "../../settings/values";

/** Whose tokens may be exchanged for the CI role. */
export interface TrustedIssuer {
    /** As in the ARN of IAM's OIDC provider: the URL without `https://`. */
    issuer: string;
    /** The audience that a job must ask its token for. */
    audience: string;
    /**
     * Patterns of the tokens' subjects. `*` stands for any characters and `?` for one, so each is only where the rest of the
     * subject is the issuer's word, and nobody can choose a name that says what comes after it.
     */
    subjects: string[];
    /** What else must hold: operators, and under each the claims without their issuer. @default nothing */
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

/** Begins what a setting of this kind means. */
export const onAws = "EC2 runners and registry ecr only.";

/**
 * What is trusted of one issuer, unless nobody is.
 *
 * @param subjectsOf the patterns that one entry of a list comes to
 */
export function ofIssuer(
    issuer: string,
    audience: string,
    entries: readonly string[],
    subjectsOf: (entry: string) => string[],
): TrustedIssuer[] {
    return entries.length === 0 ? [] : [{ issuer, audience, subjects: entries.flatMap(subjectsOf) }];
}
