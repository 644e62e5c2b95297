import type * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { knownPlatforms, type Platform } from "../components/architecture";
import { mirrorMistakes } from "../components/runner/registryMirrors";
import { type ImageDeclaration, imageDeclaration } from "./images";
import {
    byPlatform,
    checked,
    choice,
    flag,
    keysOf,
    listOf,
    mapOf,
    price,
    secretMap,
    setting,
    text,
    wholeNumber,
} from "./kinds";

/** The kinds of runner. */
export const runnerTypes = ["local", "ec2"] as const;
export type RunnerType = (typeof runnerTypes)[number];

const local = "Local runners only.";
const ec2 = "EC2 runners only.";
/** An empty one is not set. */
const optionalText = (what: string) => text(what, { mayBeEmpty: true });

/**
 * THE table of settings, those of every kind of runner. Types, checks, messages, Pulumi.yaml, the README and the editors'
 * schema follow: `npx tsx tools/configurationTable.ts`.
 */
export const commonSettings = {
    runnerType: setting(
        choice(...runnerTypes),
        "local",
        'Kind of the build runners. "local" for processes on this machine with a local registry, "ec2" for EC2 instances with ECR.',
    ),
    platforms: setting(
        listOf(`a list of at least one of: ${knownPlatforms.join(", ")}`, text("a platform")),
        knownPlatforms,
        "Platforms to build for, each on a runner of its own.",
    ),
    images: setting(
        mapOf("NAME: {context: FOLDER}", imageDeclaration),
        {},
        "Images to build and push, NAME then context and more keys; the README lists them.",
    ),
    buildSecrets: setting(
        secretMap(),
        {},
        'Secrets that images name in their key secrets. Set each by "pulumi config set --secret --path buildSecrets.NAME VALUE".',
    ),
    buildsPerRunner: setting(wholeNumber(1, 64), 4, "Builds that run side by side on one runner; others wait."),
    idleMinutes: setting(
        wholeNumber(0, 60 * 24 * 7),
        15,
        "Minutes without a build after which a runner stops itself. 0 for never.",
    ),
    cacheGigabytes: setting(wholeNumber(1, 16_000), 30, "Size that a runner's build cache is kept below, in GB."),
    registryMirrors: setting(
        checked(
            mapOf("HOST: list of mirrors", listOf("a list of mirrors", text("HOST:PORT of a mirror"))),
            mirrorMistakes,
        ),
        {},
        'Mirrors that the runners pull from, a list by the host of the registry, as in {"docker.io": ["mirror.example:5000"]}; http:// before one that has no TLS.',
    ),
    localPort: setting(
        wholeNumber(1024, 65_535 - knownPlatforms.length),
        7443,
        `${local} First of the ports on 127.0.0.1, the registry's; each runner has one of the next.`,
    ),
    registryHost: setting(
        optionalText("a host name"),
        "registry.native-buildx.internal",
        `${local} Host name of the local registry; it must lead to 127.0.0.1.`,
    ),
};

/** The settings that only EC2 runners have. What their values mean is checked where they are used: ec2Settings.ts. */
export const ec2OnlySettings = {
    allowedCidrs: setting(
        listOf("a list of address ranges", text("an address range, such as 203.0.113.7/32")),
        [],
        `${ec2} Address ranges that may connect to the runners, such as 203.0.113.7/32. Must be set.`,
    ),
    vpc: setting(
        text('"default", "new" or the id of a subnet'),
        "default",
        `${ec2} "default" for the region's default VPC, "new" for a VPC of their own, or the id of a subnet.`,
    ),
    usePrivateAddress: setting(
        flag(),
        false,
        `${ec2} Reach the runners by their private addresses, over a VPN or from inside the VPC.`,
    ),
    buildkitPort: setting(wholeNumber(1, 65_535), 9753, `${ec2} The port that BuildKit serves on.`),
    instanceTypes: setting(
        byPlatform("PLATFORM: instance type", text("an instance type")),
        {},
        `${ec2} Instance type by platform. Default c7i.xlarge for linux/amd64 and c7g.xlarge for linux/arm64.`,
    ),
    fallbackInstanceTypes: setting(
        byPlatform("PLATFORM: list of instance types", listOf("a list of instance types", text("an instance type"))),
        {},
        `${ec2} List of instance types by platform, each a stopped stand-in for when EC2 has no capacity for the first.`,
    ),
    emulateOn: setting(
        byPlatform("PLATFORM: platform that emulates it", choice(...knownPlatforms)),
        {},
        `${ec2} Platform by platform, on whose runner it is emulated when EC2 has no capacity at all for it.`,
    ),
    buildkitVersion: setting(
        optionalText("a version"),
        "",
        `${ec2} Version of BuildKit, with buildkitSha256. Empty for the pinned one.`,
    ),
    buildkitUrl: setting(
        optionalText("a URL"),
        "",
        `${ec2} Address of BuildKit's release archive with {version} and {arch}, for a company mirror. Empty for its release page.`,
    ),
    buildkitSha256: setting(
        byPlatform("PLATFORM: SHA-256", text("a SHA-256")),
        {},
        `${ec2} SHA-256 of the archive by platform. Empty for those of the pinned version.`,
    ),
    kmsKeyArn: setting(
        optionalText("an ARN"),
        "",
        `${ec2} ARN of a customer key for volumes, parameters and repositories. Empty for the account's AWS-managed keys.`,
    ),
    ssmEndpoint: setting(
        optionalText("a URL"),
        "",
        `${ec2} Address of SSM for runners in a subnet with VPC endpoints. Empty for the region's public one.`,
    ),
    immutableTags: setting(
        flag(),
        false,
        `${ec2} Refuse to move a tag once it is pushed, except those of movingTags and of caches.`,
    ),
    movingTags: setting(
        listOf("a list of tags", text("a tag")),
        ["latest*"],
        `${ec2} Tags that may move under immutableTags; * stands for anything.`,
    ),
    untaggedDays: setting(wholeNumber(1, 3650), 90, `${ec2} Days for which an untagged image is kept.`),
    cacheDays: setting(
        wholeNumber(1, 3650),
        30,
        `${ec2} Days after which a build cache in the registry expires that was not written again.`,
    ),
    forceDelete: setting(flag(), false, `${ec2} Let "pulumi destroy" delete repositories that still have images.`),
    githubRepositories: setting(
        listOf("a list of repositories", text("ORGANIZATION/REPOSITORY")),
        [],
        `${ec2} GitHub repositories, ORGANIZATION/REPOSITORY, whose workflows may use the builder.`,
    ),
    githubOidcProviderArn: setting(
        optionalText("an ARN"),
        "",
        `${ec2} ARN of GitHub's OIDC provider where the account has one. Empty to make one.`,
    ),
    trustedPrincipalArns: setting(
        listOf("a list of ARNs", text("an ARN")),
        [],
        `${ec2} ARNs of roles or users that may use the builder as CI does.`,
    ),
    ec2Prices: setting(
        keysOf("date, instanceHour, volumeGigabyteMonth, publicAddressHour", {
            date: v.optional(text("a month, as in 2026-11")),
            instanceHour: v.optional(mapOf("TYPE: price of an hour", price())),
            volumeGigabyteMonth: v.optional(price()),
            publicAddressHour: v.optional(price()),
        }),
        {},
        `${ec2} Prices to reckon with where the built-in table has none or others, see docs/aws.md.`,
    ),
};

/** All of them, in the order of the README and of Pulumi.yaml. */
export const allSettings = { ...commonSettings, ...ec2OnlySettings };

type Values<E extends { [name: string]: v.GenericSchema }> = { [N in keyof E]: v.InferOutput<E[N]> };

/** The values of the settings that only EC2 runners have. */
export type Ec2Values = Values<typeof ec2OnlySettings>;

/** The configuration as plain values, checked. */
export interface Settings extends Omit<Values<typeof commonSettings>, "platforms" | "images" | "buildSecrets"> {
    platforms: Platform[];
    images: { [name: string]: ImageDeclaration };
    buildSecrets: pulumi.Output<{ [name: string]: string }>;
}

/** Of a port range that starts at setting localPort: the registry's, then one for each row of the architecture table. */
export function localPorts(settings: Pick<Settings, "localPort">): { registry: number } & { [P in Platform]: number } {
    const runners = knownPlatforms.map((platform, at) => [platform, settings.localPort + 1 + at]);
    return { registry: settings.localPort, ...Object.fromEntries(runners) };
}
