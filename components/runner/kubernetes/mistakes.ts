import * as pulumi from "@pulumi/pulumi";
import ipaddr from "ipaddr.js";
import type { ValuesOf } from "../../settings/values";
import { noClusterMistakes } from "../cluster/mistakes";
import type { RunnerValues } from "../settings";
import { type kubernetesRunnerSettings, namespacePattern } from "./settings";

/** The values of all settings of Kubernetes runners. */
export type KubernetesRunnersValues = RunnerValues & ValuesOf<typeof kubernetesRunnerSettings>;

/** Everything that is wrong with the settings of Kubernetes runners, each as one line: setting, mistake, remedy. */
export function kubernetesMistakes(values: KubernetesRunnersValues, stackName: string): string[] {
    const { kubernetesNamespace, refusedCidrs, tolerations } = values;
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
        ...tolerations.flatMap(({ key, operator }, at) =>
            key || operator === "Exists"
                ? []
                : [`tolerations[${at}]: has no key; add one, or operator: Exists for all taints`],
        ),
        ...clusterMistakes(),
    ];
}

/** Pulumi's own setting of the kubeconfig's context; empty for the current one. */
export function clusterContext(): string {
    return new pulumi.Config("kubernetes").get("context") ?? "";
}

/** What the connect script, which runs on other machines too, cannot be told. */
function clusterMistakes(): string[] {
    const context = clusterContext();
    return [
        // In a URL, unquoted.
        ...(/^[\w.:/@-]*$/.test(context)
            ? []
            : [
                  `kubernetes:context: "${context}" has characters that connect cannot pass on; kubectl config rename-context gives it another name`,
              ]),
        ...(new pulumi.Config("kubernetes").getSecret("kubeconfig")
            ? [
                  "kubernetes:kubeconfig: is not known where connect runs; remove it, put the file where KUBECONFIG says, and set kubernetes:context",
              ]
            : []),
    ];
}
