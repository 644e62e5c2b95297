import * as iam from "@pulumi/aws/iam";
import * as pulumi from "@pulumi/pulumi";
import { accountName } from "../account/accountNames";
import { type AwsCommand, removesLeftover, removesRole } from "../account/leftovers";
import { afterNameClaim } from "../account/nameClaim";
import { refuseArguments } from "../settings/mistakes";
import type { TrustedIssuer } from "./identity/identityProvider";
import { trustedIssuers } from "./identityProviders";
import { ciPolicyText, ciTrustPolicy } from "./policies";
import type { PolicyStatement } from "./policyStatement";
import {
    type CiTrustValues,
    checkedTrust,
    ciTrustMistakes,
    existingProviderArn,
    isCiWanted,
    nobodyNamed,
} from "./trust";

/** The settings that say who CI is, all with the defaults of the configuration, and what it may do. */
export interface CiRoleArgs extends Partial<CiTrustValues> {
    /** What CI needs in order to use the runners. @default nothing */
    access?: pulumi.Input<PolicyStatement[]>;
    /** ECR repositories that it may push to and pull from. @default none */
    repositoryArns?: pulumi.Input<string[]>;
    /** ECR repositories that it may pull from, and not push to. @default none */
    readableArns?: pulumi.Input<string[]>;
    /** Parameters with the connect script, which it may read. */
    connectParameterArns: pulumi.Input<pulumi.Input<string>[]>;
    /** @default none */
    tags?: { [name: string]: string };
}

/** The tag of a provider with the name of the role that it was made for, whatever other tags stacks have in common. */
const roleTag = "native-buildx-role";

/** The longest build that a job can hold its login for, in seconds. */
export const longestSession = 4 * 60 * 60;

/** Characters of a role's trust policy that AWS takes until an account asks for more. */
const trustPolicyLimit = 2048;

/** The role that CI assumes: it can wake the runners, read how to connect and their keys, push to the repositories, and nothing else. */
export class CiRole extends pulumi.ComponentResource {
    readonly arn: pulumi.Output<string>;

    /** @throws RunError with every wrong argument: the setting, what is wrong, the remedy. */
    constructor(name: string, args: CiRoleArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:CiRole", name, {}, afterNameClaim(opts));
        const values = checkedTrust(args);
        refuseArguments(isCiWanted(values) ? ciTrustMistakes(values) : [nobodyNamed()]);
        const roleName = accountName(name);
        const providers = new Map<string, pulumi.Input<string>>();
        const issuers = trustedIssuers(values).map((trusted) => {
            const { issuer } = trusted;
            const providerArn =
                providers.get(issuer) ??
                existingProviderArn(values, trusted) ??
                this.trust(roleName, trusted, args.tags).arn;
            providers.set(issuer, providerArn);
            return { ...trusted, providerArn };
        });
        const role = new iam.Role(
            name,
            {
                description: "native-buildx: CI wakes the runners and pushes images",
                assumeRolePolicy: pulumi
                    .output(issuers)
                    .apply((known) =>
                        this.trustPolicyText({ issuers: known, principalArns: values.trustedPrincipalArns }),
                    ),
                maxSessionDuration: longestSession,
                name: roleName,
                tags: args.tags,
            },
            { parent: this, hooks: { onError: [removesRole(roleName)] } },
        );
        new iam.RolePolicy(
            name,
            {
                // A name of its own: an `up` after a killed one writes the same policy again.
                name: "builder",
                role: role.name,
                policy: pulumi
                    .output({
                        access: args.access ?? [],
                        repositoryArns: args.repositoryArns ?? [],
                        readableArns: args.readableArns ?? [],
                        connectParameterArns: args.connectParameterArns,
                    })
                    .apply(ciPolicyText),
            },
            { parent: this },
        );
        this.arn = role.arn;
        this.registerOutputs({ arn: this.arn });
    }

    /** An account has one provider of an issuer, so it is called after the issuer, whatever the stack is called. */
    private trust(roleName: string, { issuer, audience }: TrustedIssuer, given: CiRoleArgs["tags"]) {
        const tags = { ...given, [roleTag]: roleName };
        return new iam.OpenIdConnectProvider(
            issuer.replaceAll("/", "-"),
            { url: `https://${issuer}`, clientIdLists: [audience], tags },
            { parent: this, hooks: { onError: [removesIdentityProvider(issuer, tags)] } },
        );
    }

    private trustPolicyText(trust: Parameters<typeof ciTrustPolicy>[0]): string {
        const text = JSON.stringify(ciTrustPolicy(trust));
        if (text.length > trustPolicyLimit) {
            void pulumi.log.warn(
                `The trust policy of the CI role has ${text.length} characters, and AWS takes ${trustPolicyLimit} unless your ` +
                    'account has more of the quota "Role trust policy length": name fewer, or ask AWS for more',
                this,
            );
        }
        return text;
    }
}

/**
 * Removes the provider that a killed `up` has left. It has all of these tags, or it is somebody else's; and the role that it was
 * made for does not use it, or another state has a stack of this name.
 */
function removesIdentityProvider(issuer: string, tags: { [name: string]: string }): pulumi.ErrorHook {
    return removesLeftover(
        `Identity provider ${issuer}`,
        ["EntityAlreadyExists"],
        async (runAws) => {
            const caller = await runAws("sts", "get-caller-identity", "--query", "Arn");
            const [, partition, , , account] = caller.split(":");
            const arn = `arn:${partition}:iam::${account}:oidc-provider/${issuer}`;
            const words = ["--open-id-connect-provider-arn", arn];
            for (const [tag, value] of Object.entries(tags)) {
                const query = ["--query", `Tags[?Key=='${tag}'].Value`];
                if ((await runAws("iam", "get-open-id-connect-provider", ...words, ...query)) !== value) {
                    throw new Error(`${arn} is not this stack's`);
                }
            }
            const roleName = tags[roleTag] ?? "";
            if (await isUsed(arn, roleName, runAws)) {
                throw new Error(
                    `role ${roleName} uses it; if that is another state's, choose another name for the stack`,
                );
            }
            await runAws("iam", "delete-open-id-connect-provider", ...words);
        },
        "Append its ARN to setting oidcProviderArns to use it",
    );
}

/** Whether jobs get something by the provider: the role trusts it, and has a policy, which one that a killed `up` has left has not. */
async function isUsed(providerArn: string, roleName: string, runAws: AwsCommand): Promise<boolean> {
    const role = ["--role-name", roleName];
    try {
        const query = ["--query", "Role.AssumeRolePolicyDocument.Statement[].Principal.Federated"];
        const trusted = (await runAws("iam", "get-role", ...role, ...query)).split(/\s+/);
        const policies = await runAws("iam", "list-role-policies", ...role, "--query", "PolicyNames");
        return trusted.includes(providerArn) && policies !== "";
    } catch (error) {
        if ((error as Error).message.includes("NoSuchEntity")) {
            return false;
        }
        throw error;
    }
}
