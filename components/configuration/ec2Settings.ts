import * as pulumi from "@pulumi/pulumi";
import { isPlatform, knownPlatforms, type Platform } from "../architecture";
import { type CiTrustSettings, ciRoleProblems, isCiWanted } from "../ciRole";
import type { PriceSettings } from "../ec2Prices";
import { type ImageRepositoryArgs, imageRepositoryProblems } from "../imageRepository";
import { type NetworkArgs, networkProblems } from "../network";
import { type Ec2RunnerSettings, ec2RunnerProblems } from "../runner/ec2RunnerSettings";
import type { Settings } from "./settings";

/** The settings of stack `prod`, by the component that takes them. Pulumi.yaml has each one's default and description. */
export interface Ec2Settings {
    network: NetworkArgs;
    runners: Ec2RunnerSettings[];
    repository: Omit<ImageRepositoryArgs, "repositoryName">;
    ci: CiTrustSettings;
    kmsKeyArn: string | undefined;
    prices: PriceSettings;
}

/** An empty setting is one that was not set. */
function optional(config: pulumi.Config, name: string): string | undefined {
    return config.get(name) || undefined;
}

/** Reads the settings that only EC2 runners have. */
export function readEc2Settings(settings: Pick<Settings, "platforms" | "idleMinutes" | "cacheGigabytes">): Ec2Settings {
    const config = new pulumi.Config();
    const object = <T>(name: string) => config.getObject<T>(name);
    const vpc = config.get("vpc") ?? "default";
    const kmsKeyArn = optional(config, "kmsKeyArn");
    const perPlatform = <T>(name: string) => object<{ [P in Platform]?: T }>(name) ?? {};
    const instanceTypes = perPlatform<string>("instanceTypes");
    const fallbackInstanceTypes = perPlatform<string[]>("fallbackInstanceTypes");
    const emulateOn = perPlatform<Platform>("emulateOn");
    const sha256 = perPlatform<string>("buildkitSha256");
    const buildkit = {
        ...(optional(config, "buildkitUrl") ? { url: config.get("buildkitUrl") } : {}),
        ...(optional(config, "buildkitVersion") ? { version: config.get("buildkitVersion") } : {}),
        ...(Object.keys(sha256).length > 0 ? { sha256 } : {}),
    };
    return {
        network: {
            vpc: vpc === "default" || vpc === "new" ? vpc : { subnetId: vpc },
            allowedCidrs: object<string[]>("allowedCidrs") ?? [],
            port: config.getNumber("buildkitPort"),
            usePrivateAddress: config.getBoolean("usePrivateAddress"),
        },
        runners: settings.platforms.map((platform) => ({
            platform,
            instanceType: instanceTypes[platform],
            fallbackInstanceTypes: fallbackInstanceTypes[platform],
            emulateOn: emulateOn[platform],
            idleMinutes: settings.idleMinutes,
            cacheGigabytes: settings.cacheGigabytes,
            buildkit,
            kmsKeyArn,
            ssmEndpoint: optional(config, "ssmEndpoint"),
        })),
        repository: {
            immutableTags: config.getBoolean("immutableTags"),
            movingTags: object<string[]>("movingTags"),
            untaggedDays: config.getNumber("untaggedDays"),
            cacheDays: config.getNumber("cacheDays"),
            forceDelete: config.getBoolean("forceDelete"),
            kmsKeyArn,
        },
        ci: {
            githubRepositories: object<string[]>("githubRepositories"),
            githubOidcProviderArn: optional(config, "githubOidcProviderArn"),
            trustedPrincipalArns: object<string[]>("trustedPrincipalArns"),
        },
        kmsKeyArn,
        prices: object<PriceSettings>("ec2Prices") ?? {},
    };
}

/** Everything that is wrong with them, each as one line: setting, mistake, remedy. */
export function ec2Mistakes(settings: Ec2Settings, stackName: string): string[] {
    const config = new pulumi.Config();
    const region = new pulumi.Config("aws").get("region") ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    return [
        ...(region
            ? []
            : ["aws:region: is not set; choose where the runners are: pulumi config set aws:region eu-central-1"]),
        ...["instanceTypes", "fallbackInstanceTypes", "emulateOn", "buildkitSha256"].flatMap((setting) =>
            Object.keys(config.getObject<object>(setting) ?? {})
                .filter((platform) => !isPlatform(platform))
                .map((platform) => `${setting}: unknown platform "${platform}"; use: ${knownPlatforms.join(", ")}`),
        ),
        ...networkProblems(settings.network),
        ...settings.runners.flatMap(ec2RunnerProblems),
        ...emulationMistakes(settings.runners),
        ...imageRepositoryProblems({ ...settings.repository, repositoryName: stackName }),
        ...(isCiWanted(settings.ci) ? ciRoleProblems(settings.ci) : []),
    ];
}

function emulationMistakes(runners: Ec2RunnerSettings[]): string[] {
    const platforms = runners.map(({ platform }) => platform);
    return runners.flatMap(({ platform, emulateOn }) =>
        emulateOn && !platforms.includes(emulateOn)
            ? [`emulateOn of ${platform}: there is no runner for ${emulateOn}; add it to platforms or name another`]
            : [],
    );
}
