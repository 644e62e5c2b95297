import { flag, setting } from "../../settings/kinds";

export const clusterSettings = {
    compileCluster: setting(
        flag(),
        false,
        "EC2 runners only. The runners compile for one another's builds, of images with key compileCluster, see docs/compile-cluster.md.",
    ),
};
