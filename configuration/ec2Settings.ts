import * as pulumi from "@pulumi/pulumi";
import { type CiTrustSettings, ciRoleProblems, isCiWanted } from "../components/ci/ciRole";
import { type ImageRepositoryArgs, imageRepositoryProblems } from "../components/registry/ecr/imageRepository";
import { type Ec2RunnerSettings, ec2RunnerProblems } from "../components/runner/ec2/ec2RunnerSettings";
import { type NetworkArgs, networkProblems } from "../components/runner/ec2/network";
import type { PriceSettings } from "../components/runner/ec2/prices";
import type { Ec2Values, Settings } from "./settings";

/** The settings of stack `prod`, by the component that takes them. Pulumi.yaml has each one's default and description. */
export interface Ec2Settings {
    network: NetworkArgs;
    runners: Ec2RunnerSettings[];
    repository: Omit<ImageRepositoryArgs, "repositoryName">;
    ci: CiTrustSettings;
    kmsKeyArn: string | undefined;
    prices: PriceSettings;
}

/** The settings that only EC2 runners have, by the component that takes them. An empty text is one that was not set. */
export function ec2Settings(
    common: Pick<Settings, "platforms" | "idleMinutes" | "cacheGigabytes" | "registryMirrors">,
    values: Ec2Values,
): Ec2Settings {
    const { vpc, buildkitSha256: sha256 } = values;
    const kmsKeyArn = values.kmsKeyArn || undefined;
    const buildkit = {
        ...(values.buildkitUrl ? { url: values.buildkitUrl } : {}),
        ...(values.buildkitVersion ? { version: values.buildkitVersion } : {}),
        ...(Object.keys(sha256).length > 0 ? { sha256 } : {}),
    };
    return {
        network: {
            vpc: vpc === "default" || vpc === "new" ? vpc : { subnetId: vpc },
            allowedCidrs: values.allowedCidrs,
            port: values.buildkitPort,
            usePrivateAddress: values.usePrivateAddress,
        },
        runners: common.platforms.map((platform) => ({
            platform,
            instanceType: values.instanceTypes[platform],
            fallbackInstanceTypes: values.fallbackInstanceTypes[platform],
            emulateOn: values.emulateOn[platform],
            idleMinutes: common.idleMinutes,
            cacheGigabytes: common.cacheGigabytes,
            registryMirrors: common.registryMirrors,
            buildkit,
            kmsKeyArn,
            ssmEndpoint: values.ssmEndpoint || undefined,
        })),
        repository: {
            immutableTags: values.immutableTags,
            movingTags: values.movingTags,
            untaggedDays: values.untaggedDays,
            cacheDays: values.cacheDays,
            forceDelete: values.forceDelete,
            kmsKeyArn,
        },
        ci: {
            githubRepositories: values.githubRepositories,
            githubOidcProviderArn: values.githubOidcProviderArn || undefined,
            trustedPrincipalArns: values.trustedPrincipalArns,
        },
        kmsKeyArn,
        prices: values.ec2Prices,
    };
}

/** Everything that is wrong with them, each as one line: setting, mistake, remedy. */
export function ec2Mistakes(settings: Ec2Settings, stackName: string): string[] {
    const region = new pulumi.Config("aws").get("region") ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    return [
        ...(region
            ? []
            : ["aws:region: is not set; choose where the runners are: pulumi config set aws:region eu-central-1"]),
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
