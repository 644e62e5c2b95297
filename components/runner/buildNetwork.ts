/** Network of the build steps, in which they reach the internet but not the metadata service, the runner, or each other. */
export const buildNetwork = { bridge: "buildkit0", subnet: "10.209.0.0/16" } as const;

/**
 * What BuildKit's own network mode `bridge` configures, and `portIsolation` besides: with it the bridge passes nothing
 * from one step to another. CNI's bridge plugin has it from 1.7; the release archive of BuildKit 0.31 has 1.9.
 */
export const buildNetworkConfig = {
    cniVersion: "1.0.0",
    name: "buildkit",
    plugins: [
        {
            type: "bridge",
            bridge: buildNetwork.bridge,
            isDefaultGateway: true,
            ipMasq: true,
            portIsolation: true,
            ipam: { type: "host-local", ranges: [[{ subnet: buildNetwork.subnet }]] },
        },
        { type: "firewall", ingressPolicy: "same-bridge" },
    ],
};
