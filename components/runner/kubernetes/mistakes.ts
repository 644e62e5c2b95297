import * as pulumi from "@pulumi/pulumi";
import ipaddr from "ipaddr.js";
import type { ValuesOf } from "../../settings/values";
import { noClusterMistakes } from "../cluster/mistakes";
import type { RunnerValues } from "../settings";
import { podMistakes } from "./podMistakes";
import { type kubernetesRunnerSettings, namespacePattern } from "./settings";

/** The values of all settings of Kubernetes runners. */
export type KubernetesRunnersValues = RunnerValues & ValuesOf<typeof kubernetesRunnerSettings>;

/**
 * Everything that is wrong with the settings of Kubernetes runners, each as one line: setting, mistake, remedy.
 *
 * @param where `context` of a program's own cluster, by default that of Pulumi's settings; whether it has a provider of its own
 */
export function kubernetesMistakes(
    values: KubernetesRunnersValues,
    stackName: string,
    { context, hasProvider = false }: { context?: string | undefined; hasProvider?: boolean } = {},
): string[] {
    const { kubernetesNamespace, refusedCidrs } = values;
    return [
        ...noClusterMistakes(values, "pods"),
        ...(namespacePattern.test(kubernetesNamespace || stackName)
            ? []
            : [
                  `kubernetesNamespace: the stack's name, ${stackName}, cannot be the name of a namespace; set one of small letters, digits and dashes`,
              ]),
        ...refusedCidrs.flatMap((cidr) =>
            ipaddr.isValidCIDR(cidr)
                ? []
                : [`refusedCidrs: "${cidr}" is not an address range; write it as in 10.0.0.0/16`],
        ),
        ...values.clientGroups.flatMap(groupMistakes),
        ...podMistakes(values),
        ...whereMistakes(context, hasProvider),
    ];
}

/** What Kubernetes takes for the name of a group that nobody is in. */
function groupMistakes(group: string): string[] {
    const [, namespace] = /^system:serviceaccount:([^:]*)/.exec(group) ?? [];
    return namespace === undefined
        ? []
        : [
              `clientGroups: "${group}" is a service account's own name, and no group; write system:serviceaccounts:${namespace}, the group of all of its namespace`,
          ];
}

function whereMistakes(context: string | undefined, hasProvider: boolean): string[] {
    if (context !== undefined) {
        return contextMistakes("context", context);
    }
    if (hasProvider) {
        return [
            "context: is not set, and whether the namespace is another's would be asked of another cluster than their provider's; set it to what that has as context, \"\" for the kubeconfig's current one",
        ];
    }
    return [...contextMistakes("kubernetes:context", clusterContext()), ...clusterMistakes()];
}

/** Pulumi's own setting of the kubeconfig's context; empty for the current one. */
export function clusterContext(): string {
    return new pulumi.Config("kubernetes").get("context") ?? "";
}

/** It is in a URL, unquoted. */
function contextMistakes(setting: string, context: string): string[] {
    return /^[\w.:/@-]*$/.test(context)
        ? []
        : [
              `${setting}: "${context}" has characters that connect cannot pass on; kubectl config rename-context gives it another name`,
          ];
}

/** What the connect script, which runs on other machines too, cannot be told. */
function clusterMistakes(): string[] {
    const config = new pulumi.Config("kubernetes");
    return [
        ...(config.getSecret("kubeconfig")
            ? [
                  "kubernetes:kubeconfig: is not known where connect runs; remove it, put the file where KUBECONFIG says, and set kubernetes:context",
              ]
            : []),
        ...(config.getSecret("cluster")
            ? [
                  "kubernetes:cluster: buildx, which goes by contexts, cannot be told a cluster; remove it, and set kubernetes:context to a context of that cluster",
              ]
            : []),
    ];
}
