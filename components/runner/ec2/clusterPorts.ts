/** Where icecream listens on each node of a compile cluster. */
export const clusterPorts = { scheduler: 8765, daemon: 10245 } as const;
