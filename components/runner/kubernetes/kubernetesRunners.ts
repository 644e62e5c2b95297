import * as networking from "@pulumi/kubernetes/networking/v1";
import * as pulumi from "@pulumi/pulumi";
import type { PolicyStatement } from "../../ci/policyStatement";
import { refuseArguments } from "../../settings/mistakes";
import { checkedValues } from "../../settings/values";
import { stackNameOf } from "../../stackName";
import { namedRunners } from "../runnerNames";
import type { Runners } from "../runners";
import { platformMistakes, runnerSettings } from "../settings";
import { KubernetesRunner, type KubernetesTransforms, setName } from "./kubernetesRunner";
import { clusterContext, type KubernetesRunnersValues, kubernetesMistakes } from "./mistakes";
import { makeNamespace } from "./namespace";
import { runnersPolicies } from "./networkPolicy";
import { clientRules, grant } from "./roles";
import { kubernetesRunnerSettings } from "./settings";

const settings = { ...runnerSettings, ...kubernetesRunnerSettings };

/** The settings of Kubernetes runners, all with the defaults of the configuration, and what they need besides. */
export interface KubernetesRunnersArgs extends Partial<KubernetesRunnersValues> {
    /**
     * Context of the kubeconfig by which kubectl finds their cluster, here and wherever connect runs; empty for the current one.
     * A program that gives them a provider of its own has to set it: what that has as `context`. @default Pulumi's setting kubernetes:context
     */
    context?: string;
    /** Tags of what they have at AWS. @default none */
    tags?: { [name: string]: string };
    /** Changes arguments of their resources. @default none */
    transform?: KubernetesTransforms;
}

/** StatefulSets, one or more for each platform, and the namespace that they have to themselves. */
export class KubernetesRunners extends pulumi.ComponentResource implements Runners {
    readonly runners: readonly KubernetesRunner[];
    readonly access?: pulumi.Output<PolicyStatement[]>;
    readonly admit?: (principalArn: pulumi.Output<string>) => pulumi.Resource[];

    /** @throws RunError with every wrong argument: the setting, what is wrong, the remedy. */
    constructor(
        private readonly name: string,
        args: KubernetesRunnersArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("native-buildx:index:KubernetesRunners", name, {}, opts);
        const given = checkedValues(settings, args) as KubernetesRunnersValues;
        refuseArguments(platformMistakes(given.platforms));
        const hasProvider = this.getProvider("kubernetes:core/v1:Namespace") !== undefined;
        const stackName = stackNameOf(pulumi.getProject(), pulumi.getStack());
        refuseArguments(kubernetesMistakes(given, stackName, { context: args.context, hasProvider }));
        const values = { ...given, kubernetesNamespace: given.kubernetesNamespace || stackName };
        const context = args.context ?? clusterContext();
        const namespace = this.makeNamespace(values, context);
        const named = namedRunners(values.platforms, values.runnersPerPlatform);
        this.runners = named.map(
            ({ runner, platform }) =>
                new KubernetesRunner(
                    `${name}-${runner}`,
                    { ...values, runner, platform, context, transform: args.transform },
                    { parent: this, dependsOn: namespace },
                ),
        );
        const clients = clientsGroup(values);
        this.admitClients(
            namespace,
            values,
            [clients, ...values.clientGroups],
            named.map(({ runner }) => setName(runner)),
        );
        if (values.eksCluster) {
            // Loaded here: whoever has another cluster needs no AWS packages.
            const eks = require("./eksAccess") as typeof import("./eksAccess");
            this.access = eks.clusterStatements(values.eksCluster, this);
            this.admit = (principalArn) => [
                eks.admitToCluster(
                    name,
                    { cluster: values.eksCluster, group: clients, principalArn, tags: args.tags },
                    this,
                ),
            ];
        }
        this.registerOutputs({});
    }

    /** With a network in which nobody reaches the runners. */
    private makeNamespace(values: KubernetesRunnersValues, context: string): pulumi.Resource[] {
        const { kubernetesNamespace: name, eksCluster } = values;
        const namespace = makeNamespace(this.name, { namespace: name, context }, this);
        const policies = Object.entries(runnersPolicies({ isEks: eksCluster !== "" })).map(
            ([policy, spec]) =>
                new networking.NetworkPolicy(
                    policy.replace("runners", this.name),
                    { metadata: { name: policy, namespace: name }, spec },
                    { parent: this, dependsOn: namespace },
                ),
        );
        return [namespace, ...policies];
    }

    private admitClients(
        namespace: pulumi.Resource[],
        { kubernetesNamespace }: KubernetesRunnersValues,
        groups: string[],
        sets: string[],
    ): void {
        grant(
            `${this.name}-clients`,
            {
                namespace: kubernetesNamespace,
                name: "clients",
                rules: clientRules(sets),
                subjects: groups.map((group) => ({
                    kind: "Group",
                    name: group,
                    apiGroup: "rbac.authorization.k8s.io",
                })),
            },
            { parent: this, dependsOn: namespace },
        );
    }
}

/** The group of the cluster's users that may always use the runners: that of the CI role. */
function clientsGroup({ kubernetesNamespace }: { kubernetesNamespace: string }): string {
    return `${kubernetesNamespace}-clients`;
}
