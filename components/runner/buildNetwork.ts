/**
 * Network of the build steps, in which they reach the internet but not the metadata service, the runner, or each other.
 * Its IPv6 addresses, for machines that have no others, are of a range for private use (RFC 4193), whose number is random.
 */
export const buildNetwork = {
    bridge: "buildkit0",
    subnet: "10.209.0.0/16",
    subnet6: "fd5c:1e7a:9d03:209::/64",
} as const;

/**
 * What BuildKit's own network mode `bridge` configures, and `portIsolation` besides: with it the bridge passes nothing
 * from one step to another. CNI's bridge plugin has it from 1.7; the release archive of BuildKit 0.31 has 1.9.
 */
export const buildNetworkConfig = networkConfig(buildNetwork.subnet);

/** The same for both versions of IP. */
export const dualBuildNetworkConfig = networkConfig(buildNetwork.subnet, buildNetwork.subnet6);

function networkConfig(...subnets: string[]) {
    return {
        cniVersion: "1.0.0",
        name: "buildkit",
        plugins: [
            {
                type: "bridge",
                bridge: buildNetwork.bridge,
                isDefaultGateway: true,
                ipMasq: true,
                portIsolation: true,
                ipam: { type: "host-local", ranges: subnets.map((subnet) => [{ subnet }]) },
            },
            { type: "firewall", ingressPolicy: "same-bridge" },
        ],
    };
}
