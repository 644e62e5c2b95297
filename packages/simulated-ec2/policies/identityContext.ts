/** What a trust policy sees of an identity token. For tests. */
import type { Context } from "./policyConditions";
import { matches } from "./policyPatterns";
import { actionOf } from "./reference";

/** An identity token's claims, and who says so: its issuer without `https://`. */
export interface Identity {
    readonly issuer: string;
    readonly claims: { readonly [name: string]: unknown };
}

/**
 * The claims that IAM makes condition keys of, as in `ISSUER:sub`. Of any issuer these are three; of some issuers AWS knows
 * more, and lists them: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
 */
export function identityContext({ issuer, claims }: Identity): Context {
    // As OpenID Connect has it, a token is for the party that it names, if it does.
    const known = Object.entries({ ...claims, aud: claims.azp ?? claims.aud })
        .map(([name, value]) => [`${issuer}:${name}`, value] as const)
        .filter(([key, value]) => value !== undefined && value !== null && isKnown(issuer, key));
    return Object.fromEntries(
        known.map(([key, value]) => [key, Array.isArray(value) ? value.map(String) : String(value)]),
    );
}

function isKnown(issuer: string, key: string): boolean {
    const listed = actionOf("sts:AssumeRoleWithWebIdentity")?.conditionKeys ?? [];
    const patterns = listed.map((pattern) => pattern.replaceAll(/\$\{\w+\}/g, "*"));
    return (
        ["sub", "aud", "amr"].some((claim) => key === `${issuer}:${claim}`) ||
        patterns.some((pattern) => matches(pattern, key))
    );
}
