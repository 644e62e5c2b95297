import type { Schemas } from "../settings/values";
import { buildkite } from "./identity/buildkite";
import { circleci } from "./identity/circleci";
import { github } from "./identity/github";
import { gitlab } from "./identity/gitlab";
import type { IdentityProvider, TrustedIssuer } from "./identity/identityProvider";

/** THE table of identity providers, who vouch for CI jobs. To add one: a file, and a row. */
export const identityProviders = { github, gitlab, circleci, buildkite };

/** Whom the settings of all identity providers name. */
export function trustedIssuers(values: object): TrustedIssuer[] {
    const rows = Object.values(identityProviders) as unknown as IdentityProvider<Schemas>[];
    return rows.flatMap((provider) => provider.trusted(values as { [setting: string]: unknown }));
}
