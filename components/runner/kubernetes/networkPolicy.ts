import type { types } from "@pulumi/kubernetes";
import { metadataAddresses } from "./podFiles";

/**
 * Some networks, such as Cilium's, do not count pods among addresses. EKS' own does, and makes a list of the addresses of all
 * pods of this peer, which it writes anew with each pod, and during which it has refused connections:
 * https://github.com/aws/aws-network-policy-agent/issues/305. There it is the name service alone, for a Cilium in its place.
 */
function podPeer(isEks: boolean): types.input.networking.v1.NetworkPolicyPeer {
    return isEks
        ? {
              namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
              podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
          }
        : { namespaceSelector: {} };
}

/**
 * What pods of runners reach, where the cluster's network enforces policies: everything but the metadata services, and
 * nobody reaches them. A pod needs the API server, to scale itself; build steps are kept from it in the pod
 * (stepFirewall.sh).
 *
 * @param where whether the cluster is one of EKS
 */
export function runnersPolicy({ isEks }: { isEks: boolean }): types.input.networking.v1.NetworkPolicySpec {
    const everything = (cidr: string, isMeant: (address: string) => boolean) => ({
        ipBlock: { cidr, except: metadataAddresses.filter(isMeant) },
    });
    return {
        podSelector: {},
        policyTypes: ["Ingress", "Egress"],
        ingress: [],
        egress: [
            {
                to: [
                    everything("0.0.0.0/0", (address) => !address.includes(":")),
                    everything("::/0", (address) => address.includes(":")),
                    podPeer(isEks),
                ],
            },
            // The name services of GKE's Cloud DNS and of Azure are at the same addresses as such a service.
            {
                to: metadataAddresses.map((cidr) => ({ ipBlock: { cidr } })),
                ports: ["UDP", "TCP"].map((protocol) => ({ protocol, port: 53 })),
            },
        ],
    };
}
