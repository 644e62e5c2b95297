import { checkedValues, type ValuesOf } from "../settings/values";
import type { TrustedIssuer } from "./identity/identityProvider";
import { identityProviders, trustedIssuers } from "./identityProviders";
import { ciSettings } from "./settings";

/** The values of all settings that say who CI is. */
export type CiTrustValues = ValuesOf<typeof ciSettings>;

/** The ARN of the account's own OIDC provider for an issuer, if a setting names it. */
export function existingProviderArn(
    { oidcProviderArns }: CiTrustValues,
    { issuer }: TrustedIssuer,
): string | undefined {
    return oidcProviderArns.find((arn) => issuerOf(arn) === issuer);
}

function issuerOf(arn: string): string {
    return arn.slice(arn.indexOf("/") + 1);
}

/** Whether a setting names anybody who could assume the role; otherwise none is made. */
export function isCiWanted(values: CiTrustValues): boolean {
    return trustedIssuers(values).length > 0 || values.trustedPrincipalArns.length > 0;
}

/** Everything that is wrong with the settings together, each a line: the setting, what is wrong, the remedy. */
export function ciTrustMistakes(values: CiTrustValues): string[] {
    const issuers = [...new Set(trustedIssuers(values).map(({ issuer }) => issuer))];
    const strangers = values.oidcProviderArns
        .filter((arn) => !issuers.includes(issuerOf(arn)))
        .map(
            (arn) =>
                `oidcProviderArns: ${arn} is the provider of nobody that a setting names (${issuers.join(", ") || "none"}); ` +
                "correct it, or remove it. aws iam list-open-id-connect-providers lists the account's",
        );
    return [...whoIsNamed(values).flatMap((setting) => letterMistakes(setting, values)), ...strangers];
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html. Whether IAM takes others as \u in JSON is not said. */
const noLetterOfPolicies = /[^\t\n\r\u0020-\u00ff]/u;

/** What is named in characters that AWS refuses, without a word about the setting. */
function letterMistakes(setting: keyof CiTrustValues, values: CiTrustValues): string[] {
    return (values[setting] as readonly string[]).flatMap((entry) => {
        const [character] = noLetterOfPolicies.exec(entry) ?? [];
        return character === undefined
            ? []
            : `${setting}: ${JSON.stringify(entry)} has ${JSON.stringify(character)}, and policies of IAM have only the ` +
                  "characters U+0020 to U+00FF; rename the branch, tag, environment or role";
    });
}

/** A component's arguments as values, with defaults. @throws RunError with every mistake, each a line */
export function checkedTrust(args: Partial<CiTrustValues>): CiTrustValues {
    return checkedValues(ciSettings, args) as CiTrustValues;
}

/** The settings that name somebody. */
export function whoIsNamed(values: CiTrustValues): (keyof CiTrustValues)[] {
    return namingSettings().filter((setting) => (values[setting] as readonly string[]).length > 0);
}

/** The mistake of a role for which nobody is named. */
export function nobodyNamed(): string {
    return `nobody may assume the CI role: name somebody in ${namingSettings().join(", ")}, or leave the role out`;
}

function namingSettings(): (keyof CiTrustValues)[] {
    const lists = Object.values(identityProviders).map(({ settings }) => Object.keys(settings)[0]);
    return [...lists, "trustedPrincipalArns"] as (keyof CiTrustValues)[];
}
