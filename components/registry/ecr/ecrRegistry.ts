import * as ecr from "@pulumi/aws/ecr";
import { getRegionOutput } from "@pulumi/aws/getRegion";
import * as pulumi from "@pulumi/pulumi";
import { registryOf } from "../../../provider/image/reference";
import { afterNameClaim } from "../../account/nameClaim";
import type { Registry } from "../registry";
import type { RegistryLogin } from "../registryLogin";
import { ImageRepository, type ImageRepositoryArgs } from "./imageRepository";
import { RepositoryGuard } from "./repositoryGuard";

export interface EcrRegistryArgs extends ImageRepositoryArgs {
    /** Name of a repository for builds by hand; image NAME has a repository `repositoryName/NAME`. */
    repositoryName: string;
    /**
     * Other registries of the account and region, by their `repositoryName`, that are pulled from and never pushed to. An
     * image's build reads the image's cache there.
     *
     * @default none
     */
    readsFrom?: readonly string[];
}

/** The account's ECR registry, with a repository for each image, below one for builds by hand. */
export class EcrRegistry extends pulumi.ComponentResource implements Registry {
    readonly kind = "ecr";
    readonly url: pulumi.Output<string>;
    readonly makesRepositories = false;
    /** A runner without a cache of its own, because it is new, finds it there. */
    readonly defaultCache = "registry";
    readonly loginCommand: pulumi.Output<string>;
    readonly repositoryArns: pulumi.Output<string[]>;
    readonly readableArns: pulumi.Output<string[]>;

    private readonly common: ImageRepository;
    private readonly perImage = new Map<string, ImageRepository>();
    private token: Promise<ecr.GetAuthorizationTokenResult> | undefined;
    /** When the next login asks for another token, in milliseconds since 1970. */
    private renewAt = 0;

    /** @throws Error with every wrong argument: the setting, what is wrong, the remedy. */
    constructor(
        private readonly name: string,
        private readonly args: EcrRegistryArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("native-buildx:index:EcrRegistry", name, {}, afterNameClaim(opts));
        this.common = new ImageRepository(name, args, { parent: this });
        this.url = this.common.url;
        this.repositoryArns = this.common.arn.apply(withAllBelow);
        this.readableArns = this.common.arn.apply((arn) =>
            this.readsFrom.flatMap((other) => withAllBelow(arn.replace(/(?<=:repository\/).*/, other))),
        );
        this.loginCommand = pulumi
            .all([this.url, this.region()])
            .apply(
                ([url, region]) =>
                    `aws ecr get-login-password --region ${region} | docker login --username AWS --password-stdin ${registryOf(url)}`,
            );
        this.registerOutputs({ url: this.url });
    }

    repositoryOf(image: string): pulumi.Output<string> {
        return this.repository(image).url;
    }

    repositoryMadeOf(image: string): pulumi.Output<string> {
        return this.repository(image).createdAt;
    }

    readableRepositoriesOf(image: string): pulumi.Output<string>[] {
        return this.readsFrom.map((other) => this.url.apply((url) => `${registryOf(url)}/${other}/${image}`));
    }

    private get readsFrom(): readonly string[] {
        return this.args.readsFrom ?? [];
    }

    private repository(image: string): ImageRepository {
        const repository = this.perImage.get(image) ?? this.makeRepository(image);
        this.perImage.set(image, repository);
        return repository;
    }

    private makeRepository(image: string): ImageRepository {
        const repositoryName = `${this.args.repositoryName}/${image}`;
        return new ImageRepository(`${this.name}-${image}`, { ...this.args, repositoryName }, { parent: this });
    }

    /** Every `up` asks for a new login, and writes no docker configuration. */
    readonly login = (after: pulumi.Output<unknown>[]): pulumi.Output<RegistryLogin> =>
        pulumi.secret(
            pulumi.all([this.url, this.common.registryId, ...after]).apply(async ([url = "", registryId = ""]) => {
                const { userName, password } = await this.freshToken(registryId);
                return {
                    address: registryOf(url),
                    username: userName,
                    password,
                    remedy: "Look at what the AWS credentials of this up may do at the repository.",
                };
            }),
        );

    /** A token with at least half of its life left: one token serves all images, unless a chain of images takes hours. */
    private freshToken(registryId: string): Promise<ecr.GetAuthorizationTokenResult> {
        const now = Date.now();
        if (this.token === undefined || now >= this.renewAt) {
            this.renewAt = Number.POSITIVE_INFINITY;
            this.token = ecr.getAuthorizationToken({ registryId }, { parent: this }).then((token) => {
                this.renewAt = (now + Date.parse(token.expiresAt)) / 2;
                return token;
            });
        }
        return this.token;
    }

    /**
     * ECR does not delete a repository with images, so a `destroy` would stop there when the runners are gone. The guard
     * looks at all repositories at once, before anything else is deleted.
     */
    readonly guard = (everything: pulumi.Resource[]): void => {
        const repositories = [this.common, ...this.perImage.values()];
        new RepositoryGuard(
            this.name,
            { repositories, forceDelete: this.args.forceDelete },
            // Not this component: the guard is a child of it, and would wait for itself.
            { parent: this, dependsOn: [...repositories, ...everything] },
        );
    };

    private region(): pulumi.Output<string> {
        return getRegionOutput({}, { parent: this }).region;
    }
}

/** The slash excludes repositories whose names only begin alike: those of stack `prod-pr`, for stack `prod`. */
function withAllBelow(arn: string): string[] {
    return [arn, `${arn}/*`];
}
