import * as pulumi from "@pulumi/pulumi";
import { awsAccount } from "../../account/awsAccount";
import { stackTags } from "../../account/stackTags";
import { refuseArguments } from "../../settings/mistakes";
import type { Transform } from "../../transform";
import { EcrRepository, type EcrRepositoryArgs } from "./ecrRepository";

export interface ImageRepositoryArgs {
    /** Its name in the registry, as in `team/app`: lower case letters, digits, and `/ . _ -` between them. */
    repositoryName: string;
    /**
     * Refuse to move a tag that was pushed, except caches and tags that match `movingTags`. Whoever pins digests needs no
     * immutable tags, and with them another `up` after one that failed halfway is refused.
     *
     * @default false
     */
    immutableTags?: boolean;
    /** With `immutableTags`: tags that may move nevertheless; `*` stands for anything. @default ["latest*"] */
    movingTags?: string[];
    /** What the tags of build caches begin with. @default "cache-" */
    cacheTagPrefix?: string;
    /**
     * Days since its push after which an image without a tag expires, within a day, even if it lost its tag only today:
     * ECR does not know since when. What is used by its digest for longer needs a tag of its own. At least 7.
     *
     * @default 90
     */
    untaggedDays?: number;
    /** Days after which a cache that was not written again expires. @default 30 */
    cacheDays?: number;
    /**
     * Delete the images with the repository. Off: a repository with images that is removed from the program is kept, with a
     * message; and `pulumi destroy` stops before it begins, where there is a `RepositoryGuard`.
     *
     * @default false
     */
    forceDelete?: boolean;
    /** ARN of a customer key for the images. @default ECR's own encryption */
    kmsKeyArn?: string;
    /**
     * Tags of the repository, besides `native-buildx`: PROJECT-STACK, which says whose it is. A repository that exists and has
     * all of them is taken over.
     *
     * @default none
     */
    tags?: { [name: string]: string };
    /** Changes arguments of its resources right before they are made, for what has no setting. @default none */
    transform?: {
        /** Each repository; `name` is the name of its resource. Keep the tags that it has: by them it is taken over. */
        repository?: Transform<EcrRepositoryArgs, { name: string }>;
    };
}

const defaults = { untaggedDays: 90, cacheDays: 30, cacheTagPrefix: "cache-", movingTags: ["latest*"] };

/** An ECR repository that images are pushed to. */
export class ImageRepository extends pulumi.ComponentResource {
    /** `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME`. */
    readonly url: pulumi.Output<string>;
    readonly arn: pulumi.Output<string>;

    /** The account. */
    readonly registryId: pulumi.Output<string>;
    /** When it was made. */
    readonly createdAt: pulumi.Output<string>;
    readonly repositoryName: string;

    /** @throws Error with every wrong argument: the setting, what is wrong, the remedy. */
    constructor(name: string, args: ImageRepositoryArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:ImageRepository", name, {}, opts);
        refuseArguments(imageRepositoryProblems(args));
        const own: EcrRepositoryArgs = {
            ...awsAccount(this),
            repositoryName: args.repositoryName,
            forceDelete: args.forceDelete ?? false,
            scanOnPush: true,
            immutableTags: args.immutableTags ?? false,
            movingTags: movingTags(args),
            lifecyclePolicy: { rules: lifecycleRules(args) },
            ...(args.kmsKeyArn ? { kmsKeyArn: args.kmsKeyArn } : {}),
            tags: stackTags(args.tags),
        };
        const repository = new EcrRepository(name, args.transform?.repository?.(own, { name }) ?? own, {
            parent: this,
        });
        this.url = repository.repositoryUrl;
        this.arn = repository.arn;
        this.registryId = repository.registryId;
        this.createdAt = repository.createdAt;
        this.repositoryName = args.repositoryName;
        this.registerOutputs({ url: this.url, arn: this.arn });
    }
}

function movingTags({ immutableTags, ...args }: ImageRepositoryArgs): string[] {
    const caches = `${args.cacheTagPrefix ?? defaults.cacheTagPrefix}*`;
    return immutableTags ? [caches, ...(args.movingTags ?? defaults.movingTags)] : [];
}

/**
 * What expires: old images without a tag, and old caches. Both rules count from the push, for ECR has no count from when a
 * tag moved. No rule selects any other tagged image. The children of an index (the images of the platforms, attestations)
 * are untagged or lose their tag to the next version; ECR itself keeps an image for as long as a manifest list references it:
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
 */
export function lifecycleRules(
    args: Pick<ImageRepositoryArgs, "untaggedDays" | "cacheDays" | "cacheTagPrefix">,
): { [name: string]: unknown }[] {
    const older = (days: number) => ({ countType: "sinceImagePushed", countUnit: "days", countNumber: days });
    return [
        {
            rulePriority: 1,
            description: "caches that were not written again",
            selection: {
                tagStatus: "tagged",
                tagPrefixList: [args.cacheTagPrefix ?? defaults.cacheTagPrefix],
                ...older(args.cacheDays ?? defaults.cacheDays),
            },
            action: { type: "expire" },
        },
        {
            rulePriority: 2,
            description: "images without a tag",
            selection: { tagStatus: "untagged", ...older(args.untaggedDays ?? defaults.untaggedDays) },
            action: { type: "expire" },
        },
    ];
}

/** Everything that is wrong with the arguments, each a line: the setting, what is wrong, the remedy. */
export function imageRepositoryProblems(args: ImageRepositoryArgs): string[] {
    const problems: string[] = [];
    const { repositoryName } = args;
    if (!/^[a-z0-9]+([._-][a-z0-9]+)*(\/[a-z0-9]+([._-][a-z0-9]+)*)*$/.test(repositoryName)) {
        problems.push(
            `repositoryName "${repositoryName}": ECR takes lower case letters and digits, with single . _ - or / between them`,
        );
    }
    if (repositoryName.length < 2 || repositoryName.length > 256) {
        problems.push(`repositoryName "${repositoryName}": ECR takes 2 to 256 characters`);
    }
    const days = (setting: string, value: number, least: number) => {
        if (!Number.isInteger(value) || value < least) {
            problems.push(`${setting} ${value}: a whole number of days, ${least} or more`);
        }
    };
    // Less would delete what was pushed, and pinned by digest, a few days ago.
    days("untaggedDays", args.untaggedDays ?? defaults.untaggedDays, 7);
    days("cacheDays", args.cacheDays ?? defaults.cacheDays, 1);
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(args.cacheTagPrefix ?? defaults.cacheTagPrefix)) {
        problems.push(
            `cacheTagPrefix "${args.cacheTagPrefix}": the beginning of a tag is needed, as in ${defaults.cacheTagPrefix}`,
        );
    }
    for (const tag of args.movingTags ?? []) {
        if (!/^[A-Za-z0-9._*-]{1,128}$/.test(tag)) {
            problems.push(`movingTags "${tag}": letters, digits, . _ - and * are possible`);
        }
    }
    if ((args.movingTags ?? defaults.movingTags).length > 4) {
        problems.push("movingTags: ECR takes five exclusions in all, and one is for caches: name four at most");
    }
    return problems;
}
