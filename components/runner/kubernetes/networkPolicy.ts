import type { types } from "@pulumi/kubernetes";
import { metadataAddresses } from "./podFiles";

type Policy = types.input.networking.v1.NetworkPolicySpec;
type Peer = types.input.networking.v1.NetworkPolicyPeer;

/**
 * Some networks, such as Cilium's, do not count pods among addresses. EKS' own does, and makes a list of the addresses of all
 * pods of this peer, which it writes anew with each pod, and during which it has refused connections:
 * https://github.com/aws/aws-network-policy-agent/issues/305. There it is the name service alone, for a Cilium in its place.
 */
function podPeer(isEks: boolean): Peer {
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
 * What any of them allows is allowed. There is one for each version of addresses, since the network of Azure (NPM) refuses a
 * policy as a whole that has an address of IPv6: https://github.com/Azure/azure-container-networking/pull/1738
 *
 * @param where whether the cluster is one of EKS
 * @returns by their names
 */
export function runnersPolicies({ isEks }: { isEks: boolean }): { runners: Policy; "runners-ipv6": Policy } {
    const isOfIpv6 = (address: string) => address.includes(":");
    return {
        runners: policy(
            "0.0.0.0/0",
            metadataAddresses.filter((address) => !isOfIpv6(address)),
            [podPeer(isEks)],
        ),
        "runners-ipv6": policy("::/0", metadataAddresses.filter(isOfIpv6), []),
    };
}

/** @param others what is reached besides addresses */
function policy(cidr: string, except: string[], others: Peer[]): Policy {
    return {
        podSelector: {},
        policyTypes: ["Ingress", "Egress"],
        ingress: [],
        egress: [
            { to: [{ ipBlock: { cidr, except } }, ...others] },
            // The name services of GKE's Cloud DNS and of Azure are at the same addresses as such a service.
            {
                to: except.map((address) => ({ ipBlock: { cidr: address } })),
                ports: ["UDP", "TCP"].map((protocol) => ({ protocol, port: 53 })),
            },
        ],
    };
}
