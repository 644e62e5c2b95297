import type { types } from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../../architecture";
import type { KubernetesRunnersValues } from "./mistakes";
import { podPaths } from "./podFiles";
import { nodeArchitecture } from "./settings";

/** The settings that a pod is made of. */
export type PodTemplateSettings = Pick<
    KubernetesRunnersValues,
    "buildkitImage" | "nodeSelectors" | "tolerations" | "podRequests" | "podLimits" | "userNamespaces"
>;

/** What a pod belongs to. */
export interface PodOwner {
    platform: Platform;
    labels: { [label: string]: string };
    serviceAccount: string;
    /** Name of the ConfigMap with `podFiles`. */
    configMap: pulumi.Input<string>;
    claim: string;
}

/**
 * Seconds that builds have to end in when the pod is replaced or its node drained, for the longest of builds: a pod ends when
 * none runs any more (pod/drain.sh). Who drains has a limit too: a node group of EKS gives a pod 15 minutes
 * (https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html).
 */
const gracePeriodSeconds = 2 * 60 * 60;

/** For what goes with a pod, which Pulumi waits for: it would give up after ten minutes. */
export const timeouts: pulumi.CustomTimeouts = { delete: `${gracePeriodSeconds / 60 + 10}m` };

/** The container of BuildKit, which wakeKubernetes.sh looks at. */
const containerName = "buildkitd";

const annotations = {
    // For kubectl exec of connect and of buildx, where the cluster puts containers of its own into pods.
    "kubectl.kubernetes.io/default-container": containerName,
    // A pod exists only while its runner is awake, so nothing that would like its node to be empty gets it for as long.
    "karpenter.sh/do-not-disrupt": "true",
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
};

/** The pod of a runner's StatefulSet. */
export function podTemplate(settings: PodTemplateSettings, owner: PodOwner): types.input.core.v1.PodTemplateSpec {
    return {
        metadata: { labels: owner.labels, annotations },
        spec: {
            serviceAccountName: owner.serviceAccount,
            automountServiceAccountToken: true,
            enableServiceLinks: false,
            nodeSelector: {
                // Nodes with Windows have an architecture, too.
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": nodeArchitecture(owner.platform),
                ...settings.nodeSelectors[owner.platform],
            },
            tolerations: settings.tolerations,
            terminationGracePeriodSeconds: gracePeriodSeconds,
            ...(settings.userNamespaces ? { hostUsers: false } : {}),
            containers: [container(settings)],
            volumes: [
                // Executable: BuildKit runs one of them.
                { name: "library", configMap: { name: owner.configMap, defaultMode: 0o555 } },
                { name: "cache", persistentVolumeClaim: { claimName: owner.claim } },
                { name: "sockets", emptyDir: { medium: "Memory" } },
            ],
        },
    };
}

function container(settings: PodTemplateSettings): types.input.core.v1.Container {
    return {
        name: containerName,
        image: settings.buildkitImage,
        command: ["sh", `${podPaths.library}/serve.sh`],
        // What it may use: its limit, or what its node has.
        env: [
            resourceVariable("machine_cores", "limits.cpu", "1"),
            resourceVariable("machine_megabytes", "limits.memory", "1Mi"),
        ],
        resources: { requests: settings.podRequests, limits: settings.podLimits },
        // BuildKit mounts file systems, and runs containers, networks and control groups of its own.
        securityContext: { privileged: true },
        livenessProbe: {
            exec: { command: ["buildctl", "--addr", `unix://${podPaths.socket}.own`, "debug", "workers"] },
            initialDelaySeconds: 60,
            periodSeconds: 30,
            timeoutSeconds: 20,
            failureThreshold: 4,
            terminationGracePeriodSeconds: 10,
        },
        // In the words of its log, connect tells why a pod does not start.
        terminationMessagePolicy: "FallbackToLogsOnError",
        volumeMounts: [
            { name: "library", mountPath: podPaths.library, readOnly: true },
            { name: "cache", mountPath: podPaths.cache },
            { name: "sockets", mountPath: podPaths.sockets },
        ],
    };
}

function resourceVariable(name: string, resource: string, divisor: string): types.input.core.v1.EnvVar {
    return { name, valueFrom: { resourceFieldRef: { resource, divisor } } };
}
