import type { types } from "@pulumi/kubernetes";
import { metadataAddresses } from "./podFiles";

/**
 * What pods of runners reach, where the cluster's network enforces policies: everything but the metadata services, and
 * nobody reaches them. A pod needs the API server, to scale itself; build steps are kept from it in the pod
 * (stepFirewall.sh).
 */
export function runnersPolicy(): types.input.networking.v1.NetworkPolicySpec {
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
                    // Some networks do not count pods, such as those of the name service, among addresses.
                    { namespaceSelector: {} },
                ],
            },
            // The name service of GKE's Cloud DNS is at the same address as its metadata service.
            {
                to: metadataAddresses.map((cidr) => ({ ipBlock: { cidr } })),
                ports: ["UDP", "TCP"].map((protocol) => ({ protocol, port: 53 })),
            },
        ],
    };
}
