import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { removesLeftover, removesRole } from "../account/leftovers";
import { refuseArguments } from "../settings/mistakes";
import { ciPolicy, ciTrustPolicy, githubIssuer, type PolicyStatement } from "./policies";
import { type CiTrustSettings, ciRoleProblems } from "./trust";

export interface CiRoleArgs extends CiTrustSettings {
    /** What the runners want allowed. @default nothing */
    access?: pulumi.Input<PolicyStatement[]>;
    /** ECR repositories that it may push to and pull from. @default none */
    repositoryArns?: pulumi.Input<string[]>;
    /** ECR repositories that it may pull from, and not push to. @default none */
    readableArns?: pulumi.Input<string[]>;
    /** Parameters that say how to connect, which it may read. */
    connectParameterArns: pulumi.Input<pulumi.Input<string>[]>;
    /** @default none */
    tags?: { [name: string]: string };
}

/** The role that CI assumes: it can wake the runners, read how to connect and their keys, push to the repositories, and nothing else. */
export class CiRole extends pulumi.ComponentResource {
    readonly arn: pulumi.Output<string>;

    /** @throws Error with every wrong argument: the setting, what is wrong, the remedy. */
    constructor(name: string, args: CiRoleArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:CiRole", name, {}, opts);
        refuseArguments(ciRoleProblems(args));
        const repositories = args.githubRepositories ?? [];
        const oidcProviderArn =
            repositories.length === 0
                ? pulumi.output<string | undefined>(undefined)
                : pulumi.output<string | undefined>(args.githubOidcProviderArn ?? this.trustGithub(name, args).arn);
        const role = new aws.iam.Role(
            name,
            {
                description: "native-buildx: CI wakes the runners and pushes images",
                assumeRolePolicy: oidcProviderArn.apply((arn) =>
                    JSON.stringify(
                        ciTrustPolicy({
                            oidcProviderArn: arn,
                            githubSubjects: repositories.map(githubSubject),
                            principalArns: args.trustedPrincipalArns ?? [],
                        }),
                    ),
                ),
                // The longest build that a job can hold its login for.
                maxSessionDuration: 4 * 60 * 60,
                name,
                tags: args.tags,
            },
            { parent: this, hooks: { onError: [removesRole(name)] } },
        );
        new aws.iam.RolePolicy(
            name,
            {
                // Put twice, it is still one.
                name: "builder",
                role: role.name,
                policy: pulumi
                    .output({
                        access: args.access ?? [],
                        repositoryArns: args.repositoryArns ?? [],
                        readableArns: args.readableArns ?? [],
                        connectParameterArns: args.connectParameterArns,
                    })
                    .apply((resources) => JSON.stringify(ciPolicy(resources))),
            },
            { parent: this },
        );
        this.arn = role.arn;
        this.registerOutputs({ arn: this.arn });
    }

    private trustGithub(name: string, args: CiRoleArgs): aws.iam.OpenIdConnectProvider {
        return new aws.iam.OpenIdConnectProvider(
            name,
            { url: `https://${githubIssuer}`, clientIdLists: ["sts.amazonaws.com"], tags: args.tags },
            { parent: this, hooks: { onError: [removesIdentityProvider(args.tags)] } },
        );
    }
}

/** One with this stack's tags: an account has one of GitHub's, and it may be somebody else's. */
function removesIdentityProvider(tags: CiRoleArgs["tags"] = {}): pulumi.ErrorHook {
    return removesLeftover("GitHub's identity provider", ["EntityAlreadyExists"], async (runAws) => {
        const caller = await runAws("sts", "get-caller-identity", "--query", "Arn");
        const [, partition, , , account] = caller.split(":");
        const arn = `arn:${partition}:iam::${account}:oidc-provider/${githubIssuer}`;
        const words = ["--open-id-connect-provider-arn", arn];
        for (const [tag, value] of Object.entries(tags)) {
            const query = ["--query", `Tags[?Key=='${tag}'].Value`];
            if ((await runAws("iam", "get-open-id-connect-provider", ...words, ...query)) !== value) {
                throw new Error(`it is not this stack's; use it: pulumi config set githubOidcProviderArn ${arn}`);
            }
        }
        await runAws("iam", "delete-open-id-connect-provider", ...words);
    });
}

/** `ORGANIZATION/REPOSITORY` means every workflow of it. */
function githubSubject(repository: string): string {
    return repository.includes(":") ? `repo:${repository}` : `repo:${repository}:*`;
}
