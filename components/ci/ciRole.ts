import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { removesLeftover, removesRole } from "../runner/ec2/leftovers";
import { ciPolicy, ciTrustPolicy, githubIssuer } from "./policies";

/** Who CI is. Plain values. */
export interface CiTrustSettings {
    /**
     * GitHub repositories whose workflows may assume the role, as `ORGANIZATION/REPOSITORY`; a branch or environment only, as
     * `ORGANIZATION/REPOSITORY:ref:refs/heads/main` or `...:environment:release`.
     *
     * @default none
     */
    githubRepositories?: string[];
    /** ARN of GitHub's OIDC provider, where the account has one already: it can have only one. @default one is made */
    githubOidcProviderArn?: string;
    /** ARNs of other roles or users that may assume it: own runners, another CI system. @default none */
    trustedPrincipalArns?: string[];
}

export interface CiRoleArgs extends CiTrustSettings {
    /** What it may start. */
    instanceArns: pulumi.Input<pulumi.Input<string>[]>;
    /** ECR repositories that it may push to and pull from; `*` stands for anything. @default none */
    repositoryArns?: pulumi.Input<pulumi.Input<string>[]>;
    /** Parameters that it may read: how to connect, and the keys of those instances. */
    connectParameterArns: pulumi.Input<pulumi.Input<string>[]>;
    keysParameterArns: pulumi.Input<pulumi.Input<string>[]>;
    /** ARN of the customer key of parameters and volumes. @default none */
    kmsKeyArn?: string;
    /** @default none */
    tags?: { [name: string]: string };
}

/** The role that CI assumes: it can wake the runners, read how to connect and their keys, push to the repositories, and nothing else. */
export class CiRole extends pulumi.ComponentResource {
    readonly arn: pulumi.Output<string>;

    /** @throws Error with every wrong argument: the setting, what is wrong, the remedy. */
    constructor(name: string, args: CiRoleArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:CiRole", name, {}, opts);
        const problems = ciRoleProblems(args);
        if (problems.length > 0) {
            throw new pulumi.RunError(problems.join("\n"));
        }
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
                    .all([
                        pulumi.output(args.instanceArns),
                        pulumi.output(args.repositoryArns ?? []),
                        pulumi.output(args.connectParameterArns),
                        pulumi.output(args.keysParameterArns),
                    ])
                    .apply(([instanceArns, repositoryArns, connectParameterArns, keysParameterArns]) =>
                        JSON.stringify(
                            ciPolicy({
                                instanceArns,
                                repositoryArns,
                                connectParameterArns,
                                keysParameterArns,
                                kmsKeyArn: args.kmsKeyArn,
                            }),
                        ),
                    ),
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

/** Whether anybody is named that could assume the role: without, none is made. */
export function isCiWanted(settings: CiTrustSettings): boolean {
    return (settings.githubRepositories ?? []).length > 0 || (settings.trustedPrincipalArns ?? []).length > 0;
}

/** Everything that is wrong with the settings, each a line: the setting, what is wrong, the remedy. */
export function ciRoleProblems(settings: CiTrustSettings): string[] {
    const problems: string[] = [];
    if (!isCiWanted(settings)) {
        problems.push(
            "neither githubRepositories nor trustedPrincipalArns names anybody who may assume the CI role: name one, or leave the role out",
        );
    }
    for (const repository of settings.githubRepositories ?? []) {
        // A wildcard in the name would let in repositories of strangers, who can call theirs what they like.
        if (!/^[A-Za-z0-9-]+\/[A-Za-z0-9._-]+(:[^*?\s]+(\*)?)?$/.test(repository)) {
            problems.push(
                `githubRepositories "${repository}": write ORGANIZATION/REPOSITORY, without wildcards, or ORGANIZATION/REPOSITORY:ref:refs/heads/BRANCH`,
            );
        }
    }
    for (const arn of settings.trustedPrincipalArns ?? []) {
        if (!/^arn:[a-z-]+:iam::\d{12}:(role|user|root)(\/\S+)?$/.test(arn)) {
            problems.push(
                `trustedPrincipalArns "${arn}": the ARN of a role or user is needed, as in arn:aws:iam::123456789012:role/ci`,
            );
        }
    }
    const provider = settings.githubOidcProviderArn;
    if (
        provider !== undefined &&
        !/^arn:[a-z-]+:iam::\d{12}:oidc-provider\/token\.actions\.githubusercontent\.com$/.test(provider)
    ) {
        problems.push(
            `githubOidcProviderArn "${provider}": it looks like arn:aws:iam::123456789012:oidc-provider/${githubIssuer}; aws iam list-open-id-connect-providers lists them`,
        );
    }
    return problems;
}
