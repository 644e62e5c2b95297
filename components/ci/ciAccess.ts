import * as pulumi from "@pulumi/pulumi";
import type { RemoteBuilder } from "../builder/remoteBuilder";
import type { Registry } from "../registry/registry";
import type { Runners } from "../runner/runners";
import { type CiTrustValues, ciTrustMistakes, isCiWanted, whoIsNamed } from "./trust";

/** What CI is given access to. */
export interface CiAccessArgs {
    /** The stack's name, as in `native-buildx-prod`: the role is called after it. */
    stackName: string;
    runners: Runners;
    registry: Registry;
    builder: RemoteBuilder;
    tags: { [name: string]: string };
}

/** What was made for CI. */
export interface CiAccess {
    resources: pulumi.Resource[];
    /** Stack outputs. */
    outputs: { ciRoleArn?: pulumi.Output<string>; ciConnect?: pulumi.Output<string> };
}

/**
 * What lets CI, which has no access to the stack, use the builder: SSM parameters with the connect script, and a role that
 * may read them and use the runners and the registry. Nothing is made unless a setting names somebody.
 */
export function ciAccess(
    settings: CiTrustValues,
    { stackName, runners, registry, builder, tags }: CiAccessArgs,
): CiAccess {
    if (!isCiWanted(settings)) {
        return { resources: [], outputs: {} };
    }
    // Loaded here: other stacks neither need the AWS packages nor wait for them.
    const { CiRole } = require("./ciRole") as typeof import("./ciRole");
    const { ConnectParameters } = require("./connectParameters") as typeof import("./connectParameters");
    const parameters = new ConnectParameters("connect", {
        connect: builder.connect,
        parameterPath: `/${pulumi.getProject()}/${pulumi.getStack()}/connect`,
        tags,
    });
    const role = new CiRole(`${stackName}-ci`, {
        ...settings,
        access: runners.access,
        repositoryArns: registry.repositoryArns,
        readableArns: registry.readableArns,
        connectParameterArns: parameters.arns,
        tags,
    });
    const admitted = runners.admit?.(role.arn) ?? [];
    return {
        resources: [parameters, role, ...admitted],
        outputs: { ciRoleArn: role.arn, ciConnect: parameters.readCommand },
    };
}

/** The settings, and those that may not go together with CI. */
export type CiMistakesArgs = CiTrustValues & { readsFrom: readonly string[]; images: { [name: string]: unknown } };

/**
 * Everything that is wrong with the settings, each a line: the setting, what is wrong, the remedy.
 *
 * @param isOnThisMachine whether all runners and the registry are
 */
export function ciMistakes({ readsFrom, images, ...settings }: CiMistakesArgs, isOnThisMachine: boolean): string[] {
    if (!isCiWanted(settings)) {
        return [];
    }
    if (isOnThisMachine) {
        return whoIsNamed(settings).map(
            (setting) =>
                `${setting}: lets CI jobs take a role of AWS, but the runners and the registry of this stack are on this ` +
                "machine; remove the setting. Jobs on this machine need the stack output connect alone",
        );
    }
    // A runner sees the login of each of its builds.
    const isLoginShown = readsFrom.length > 0 && Object.keys(images).length > 0;
    return [
        ...ciTrustMistakes(settings),
        ...(isLoginShown
            ? [
                  'images: with readsFrom, jobs that are not trusted use the runners of this stack, and "pulumi up" would show the ' +
                      "runners its own registry login; remove the images here, jobs build them with the CI role",
              ]
            : []),
    ];
}
