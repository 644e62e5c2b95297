import * as eks from "@pulumi/aws/eks";
import type * as pulumi from "@pulumi/pulumi";
import type { PolicyStatement } from "../../ci/policyStatement";

export interface AdmissionArgs {
    /** Name of the cluster. */
    cluster: string;
    /** Group of the cluster's users that the principal is in. */
    group: string;
    principalArn: pulumi.Input<string>;
    tags?: { [name: string]: string };
}

/** Makes a principal of AWS a user of the cluster, in one group and with no policy of EKS. */
export function admitToCluster(
    name: string,
    { cluster, group, principalArn, tags }: AdmissionArgs,
    parent: pulumi.Resource,
): pulumi.Resource {
    return new eks.AccessEntry(
        name,
        { clusterName: cluster, principalArn, kubernetesGroups: [group], tags },
        { parent },
    );
}

/** What `aws eks update-kubeconfig` needs. What happens in the cluster is not IAM's. */
export function clusterStatements(cluster: string, parent: pulumi.Resource): pulumi.Output<PolicyStatement[]> {
    return eks
        .getClusterOutput({ name: cluster }, { parent })
        .arn.apply((arn) => [{ Sid: "FindCluster", Action: ["eks:DescribeCluster"], Resource: [arn] }]);
}
