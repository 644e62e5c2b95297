import * as pulumi from "@pulumi/pulumi";
import type { Ec2Settings } from "../configuration/ec2Settings";
import type { Settings } from "../configuration/settings";
import { architectures, type Platform } from "./architecture";
import type { RemoteBuilder } from "./builder/remoteBuilder";
import { CiRole, isCiWanted } from "./ci/ciRole";
import { ConnectParameters } from "./ci/connectParameters";
import type { Infrastructure } from "./infrastructure";
import { ImageRepository } from "./registry/ecr/imageRepository";
import { RepositoryGuard } from "./registry/ecr/repositoryGuard";
import { Ec2Runner } from "./runner/ec2/ec2Runner";
import { Network } from "./runner/ec2/network";

const serverName = (platform: Platform) => `${architectures[platform].suffix}.runner.native-buildx.internal`;

/** Path of the stack's SSM parameters. */
const parameterPath = () => `/${pulumi.getProject()}/${pulumi.getStack()}`;

/** Tags of everything that the stack has at AWS. */
const tagsOf = (stackName: string) => ({ "native-buildx": stackName });

/** What stack `prod` has besides what every kind of runner has. */
export interface Ec2Infrastructure extends Infrastructure {
    runners: Ec2Runner[];
    repositories: ImageRepository[];
    /** Makes `pulumi destroy` stop before it begins where a repository still holds images. */
    guardRepositories(everything: pulumi.Resource[]): void;
}

/** Stack `prod`: EC2 instances, and a repository for each image, below one for builds by hand. */
export function ec2Infrastructure(settings: Settings, ec2: Ec2Settings, stackName: string): Ec2Infrastructure {
    const tags = tagsOf(stackName);
    const network = new Network("network", { ...ec2.network, tags });
    // Roles are called after the components: docs/aws-permissions.json allows those that begin with native-buildx.
    const runners = ec2.runners.map((runner) => {
        const { suffix } = architectures[runner.platform];
        return new Ec2Runner(`${stackName}-${suffix}`, {
            ...runner,
            network,
            serverName: serverName(runner.platform),
            emulatedServerNames: emulatedOn(runner.platform, ec2).map(serverName),
            parameterPath: parameterPath(),
            tags,
        });
    });
    const repository = (name: string, repositoryName: string) =>
        new ImageRepository(name, { ...ec2.repository, repositoryName, tags });
    const common = repository("repository", stackName);
    const perImage = Object.fromEntries(
        Object.keys(settings.images).map((image) => [
            image,
            repository(`repository-${image}`, `${stackName}/${image}`),
        ]),
    );
    const repositories = [common, ...Object.values(perImage)];
    return {
        runners,
        repositoryUrl: common.url,
        repositoryMadeOf: (image) => (perImage[image] ?? common).createdAt,
        repositoryOf: (image) => perImage[image]?.url ?? pulumi.interpolate`${common.url}/${image}`,
        repositories,
        guardRepositories: (everything) => {
            new RepositoryGuard(
                "repositories",
                { repositories, forceDelete: ec2.repository.forceDelete },
                { dependsOn: [network, ...runners, ...repositories, ...everything] },
            );
        },
        loginsOf: (image) => (after) => (perImage[image] ?? common).login(after),
        // A replaced runner, or a stand-in, finds it there.
        cache: "registry",
    };
}

/** The platforms that this one's runner emulates when it has to. */
function emulatedOn(platform: Platform, ec2: Ec2Settings): Platform[] {
    return ec2.runners.filter(({ emulateOn }) => emulateOn === platform).map((runner) => runner.platform);
}

interface CiAccess {
    resources: pulumi.Resource[];
    /** Stack outputs. */
    outputs: { ciRoleArn?: pulumi.Output<string>; ciConnect?: pulumi.Output<string> };
}

/** How CI, which has no access to the stack, comes to the builder: parameters, and a role that may read them. */
export function ciAccess(
    infrastructure: Ec2Infrastructure,
    builder: RemoteBuilder,
    ec2: Ec2Settings,
    stackName: string,
): CiAccess {
    if (!isCiWanted(ec2.ci)) {
        return { resources: [], outputs: {} };
    }
    const tags = tagsOf(stackName);
    const parameters = new ConnectParameters("connect", {
        connect: builder.connect,
        parameterPath: `${parameterPath()}/connect`,
        tags,
    });
    const arnsOf = (list: (runner: Ec2Runner) => pulumi.Output<string[]>) =>
        pulumi.all(infrastructure.runners.map(list)).apply((arns) => arns.flat());
    const role = new CiRole(`${stackName}-ci`, {
        ...ec2.ci,
        instanceArns: arnsOf((runner) => runner.instanceArns),
        repositoryArns: infrastructure.repositories.map((repository) => repository.arn),
        connectParameterArns: parameters.arns,
        keysParameterArns: arnsOf((runner) => runner.keysParameterArns),
        kmsKeyArn: ec2.kmsKeyArn,
        tags,
    });
    return { resources: [parameters, role], outputs: { ciRoleArn: role.arn, ciConnect: parameters.readCommand } };
}
