import * as pulumi from "@pulumi/pulumi";
import type { Ec2Settings } from "../configuration/ec2Settings";
import { architectures, type Platform } from "./architecture";
import type { RemoteBuilder } from "./builder/remoteBuilder";
import { CiRole, isCiWanted } from "./ci/ciRole";
import { ConnectParameters } from "./ci/connectParameters";
import type { Infrastructure } from "./infrastructure";
import { EcrRegistry } from "./registry/ecr/ecrRegistry";
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
    registry: EcrRegistry;
    /** Makes `pulumi destroy` stop before it begins where a repository would refuse to go. */
    guardRepositories(everything: pulumi.Resource[]): void;
}

/** Stack `prod`: EC2 instances, and a repository for each image, below one for builds by hand. */
export function ec2Infrastructure(ec2: Ec2Settings, stackName: string): Ec2Infrastructure {
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
    const registry = new EcrRegistry("registry", { ...ec2.repository, repositoryName: stackName, tags });
    return {
        runners,
        registry,
        guardRepositories: (everything) => registry.guard([network, ...runners, ...everything]),
    };
}

/** The platforms that this one's runner emulates when it has to. */
function emulatedOn(platform: Platform, ec2: Ec2Settings): Platform[] {
    return ec2.runners.filter(({ emulateOn }) => emulateOn === platform).map((runner) => runner.platform);
}

/** How CI, which has no access to the stack, comes to the builder: parameters, and a role that may read them. */
export function ciAccess(
    infrastructure: Ec2Infrastructure,
    builder: RemoteBuilder,
    ec2: Ec2Settings,
    stackName: string,
): { ciRoleArn?: pulumi.Output<string>; ciConnect?: pulumi.Output<string> } {
    if (!isCiWanted(ec2.ci)) {
        return {};
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
        repositoryArns: infrastructure.registry.repositoryArns,
        connectParameterArns: parameters.arns,
        keysParameterArns: arnsOf((runner) => runner.keysParameterArns),
        kmsKeyArn: ec2.kmsKeyArn,
        tags,
    });
    return { ciRoleArn: role.arn, ciConnect: parameters.readCommand };
}
