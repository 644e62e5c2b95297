import { createHash } from "node:crypto";
import * as path from "node:path";
import * as apps from "@pulumi/kubernetes/apps/v1";
import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../../architecture";
import type { Transform } from "../../transform";
import type { ConnectNode, Runner, RunnerDescription } from "../runner";
import { type RunnerInfo, runnerInfo } from "../runnerNames";
import { guardsSize } from "./claimSize";
import type { KubernetesRunnersValues } from "./mistakes";
import { podFiles } from "./podFiles";
import { podTemplate, timeouts } from "./podTemplate";
import { grant } from "./roles";

export interface KubernetesRunnerArgs extends KubernetesRunnersValues {
    /** See `runnerNames`. */
    runner: string;
    platform: Platform;
    /** Context of the caller's kubeconfig; empty for the current context. */
    context: string;
    /** Changes arguments of its StatefulSet and its claim. @default none */
    transform?: KubernetesTransforms;
}

/**
 * What may be changed of a runner's resources right before they are made, for what has no setting. The connect script and
 * the pod's own scripts go by the names that the arguments have: keep them.
 */
export interface KubernetesTransforms {
    statefulSet?: Transform<apps.StatefulSetArgs, RunnerInfo>;
    claim?: Transform<core.PersistentVolumeClaimArgs, RunnerInfo>;
}

const kind = "kubernetes";

/** Pulumi does not wait for what the cluster makes of a resource: a claim is bound, and a pod started, when it is needed. */
const skipAwait = { "pulumi.com/skipAwait": "true" };

/** Name of a runner's StatefulSet, and of all else that is its own. */
export function setName(runner: string): string {
    return runner.replaceAll("_", "-");
}

/**
 * A StatefulSet of one pod at most, whose BuildKit builds one platform, and a claim for its cache.
 *
 * `wakeKubernetes.sh` scales it to 1. The pod scales it to 0 when nobody uses it, which is all that its service account may
 * do; the claim stays.
 */
export class KubernetesRunner extends pulumi.ComponentResource implements Runner {
    readonly runnerName: string;
    readonly platform: Platform;
    readonly description: pulumi.Output<RunnerDescription>;
    readonly node: pulumi.Output<ConnectNode>;
    readonly wakeScripts = ["wakeKubernetes.sh", "wakeKubernetesPending.sh"].map((file) => path.join(__dirname, file));

    constructor(name: string, args: KubernetesRunnerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:KubernetesRunner", name, {}, opts);
        const { runner, platform, kubernetesNamespace: namespace, idleMinutes } = args;
        const set = setName(runner);
        this.runnerName = runner;
        this.platform = platform;

        const claim = this.makeClaim(name, args);
        const data = podFiles({ ...args, namespace, statefulSet: set });
        const configMap = new core.ConfigMap(
            name,
            { metadata: { name: `${set}-${digestOf(data)}`, namespace }, data },
            { parent: this },
        );
        const account = new core.ServiceAccount(
            name,
            { metadata: { name: set, namespace }, automountServiceAccountToken: false },
            { parent: this },
        );
        const granted = grant(
            name,
            {
                namespace,
                name: set,
                rules: [
                    { apiGroups: ["apps"], resources: ["statefulsets/scale"], resourceNames: [set], verbs: ["patch"] },
                ],
                subjects: [{ kind: "ServiceAccount", name: set, namespace }],
            },
            { parent: this },
        );
        this.makeSet(name, args, configMap.metadata.name, [claim, account, ...granted]);

        this.description = pulumi.output<RunnerDescription>({
            kind,
            platform,
            id: `${namespace}/${set}`,
            idleMinutes,
            price: { unknown: "its share of a node" },
        });
        this.node = pulumi.output<ConnectNode>({
            kind,
            platform,
            variables: { stateful_set: set },
            shared: { kubernetes_namespace: namespace, kubernetes_context: args.context },
        });
        this.registerOutputs({ description: this.description });
    }

    private makeClaim(name: string, args: KubernetesRunnerArgs): core.PersistentVolumeClaim {
        const claim: core.PersistentVolumeClaimArgs = {
            metadata: { name: claimName(args), namespace: args.kubernetesNamespace, annotations: skipAwait },
            spec: {
                accessModes: ["ReadWriteOnce"],
                ...(args.storageClass ? { storageClassName: args.storageClass } : {}),
                resources: { requests: { storage: `${args.cacheGigabytes}Gi` } },
            },
        };
        return new core.PersistentVolumeClaim(name, args.transform?.claim?.(claim, runnerInfo(args)) ?? claim, {
            parent: this,
            customTimeouts: timeouts,
            // In a preview too, before anything is changed.
            hooks: { beforeUpdate: [guardsSize(name, { namespace: args.kubernetesNamespace, context: args.context })] },
        });
    }

    private makeSet(
        name: string,
        args: KubernetesRunnerArgs,
        configMap: pulumi.Output<string>,
        dependsOn: pulumi.Resource[],
    ): void {
        const { runner, platform, kubernetesNamespace: namespace } = args;
        const set = setName(runner);
        const labels = { "app.kubernetes.io/name": "native-buildx", "app.kubernetes.io/instance": set };
        const owner = { platform, labels, serviceAccount: set, configMap, claim: claimName(args) };
        const described: apps.StatefulSetArgs = {
            metadata: { name: set, namespace, labels, annotations: skipAwait },
            spec: {
                // Asleep. What wakes it, and what it does itself, is not undone.
                replicas: 0,
                serviceName: set,
                selector: { matchLabels: labels },
                // A pod that cannot start is replaced when its mistake is corrected.
                podManagementPolicy: "Parallel",
                template: podTemplate(args, owner),
            },
        };
        new apps.StatefulSet(name, args.transform?.statefulSet?.(described, runnerInfo(args)) ?? described, {
            parent: this,
            dependsOn,
            ignoreChanges: ["spec.replicas"],
        });
    }
}

/** Another text is another ConfigMap, and so another pod. A name of Pulumi's own making may have letters that the cluster refuses. */
function digestOf(data: { [name: string]: string } | string): string {
    return createHash("sha256").update(JSON.stringify(data)).digest("hex").slice(0, 10);
}

/** A claim cannot change its storage class: another class is another claim, which is made before the old one goes with its pod. */
function claimName({ runner, storageClass }: Pick<KubernetesRunnerArgs, "runner" | "storageClass">): string {
    const name = `cache-${setName(runner)}`;
    return storageClass ? `${name}-${digestOf(storageClass)}` : name;
}
