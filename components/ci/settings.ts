import { listOf } from "../settings/collections";
import { setting, text } from "../settings/kinds";
import { settingsOf } from "../settings/values";
import { onAws } from "./identity/identityProvider";
import { identityProviders } from "./identityProviders";

/** Who may use the builder without access to the stack. */
export const ciSettings = {
    ...settingsOf(identityProviders),
    oidcProviderArns: setting(
        listOf(
            "a list of ARNs",
            text("an ARN as in arn:aws:iam::123456789012:oidc-provider/HOST", {
                pattern: /^arn:[a-z-]+:iam::\d{12}:oidc-provider\/[^\s*?]+$/,
            }),
        ),
        [],
        `${onAws} ARNs of OIDC providers that the account has already, to be used and never deleted. Others are made.`,
    ),
    trustedPrincipalArns: setting(
        listOf(
            "a list of ARNs",
            text("the ARN of a role or user, as in arn:aws:iam::123456789012:role/ci", {
                pattern: /^arn:[a-z-]+:iam::\d{12}:(root|(role|user)\/[^\s*?]+)$/,
            }),
        ),
        [],
        `${onAws} ARNs of roles or users that may use the builder as CI does.`,
    ),
};
