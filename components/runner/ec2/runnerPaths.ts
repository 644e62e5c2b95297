/** Paths and names on the runner that more than one of its files must agree on. */
export const runnerPaths = {
    /** Where BuildKit is installed. */
    prefix: "/usr/local",
    library: "/usr/local/lib/native-buildx",
    /** Where the cache volume is mounted. */
    cache: "/var/lib/buildkit",
    /** BuildKit's own state, beside the file system's lost+found. */
    buildkitRoot: "/var/lib/buildkit/root",
    buildkitConfig: "/etc/native-buildx/buildkitd.toml",
    networkConfig: "/etc/native-buildx/builds.conflist",
    networkPlugins: "/usr/local/lib/native-buildx/cni",
    socket: "/run/buildkit/buildkitd.sock",
    otelSocket: "/run/buildkit/otel-grpc.sock",
    /** In memory: keys are never written to a disk. */
    tls: "/run/native-buildx",
    /** Control group of the build steps. */
    stepGroup: "native-buildx",
    stepRuntime: "/usr/local/lib/native-buildx/step-runtime.sh",
    installedMarker: "/var/lib/native-buildx/installed",
    /** Of native compilers: what their toolchains are made of, and the toolchains. */
    toolchainRecipe: "/usr/local/lib/native-buildx/toolchain-recipe",
    toolchains: "/var/lib/native-buildx/toolchains",
    /** Of a node of a compile cluster: what it is made of, and its state. */
    clusterRecipe: "/usr/local/lib/native-buildx/cluster-recipe",
    cluster: "/var/lib/native-buildx/cluster",
} as const;
