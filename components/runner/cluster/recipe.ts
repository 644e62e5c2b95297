import * as path from "node:path";
import { recipeOf, sourcesIn } from "../emulation/recipe";

/** What makeCluster.sh reads of how native compilers are made. */
const ofEmulation = ["archives.sh", "twins.tsv", "identity.h", "sourceOptions.h", "step.h", "toolchain.h"];

/** The files of which makeCluster.sh makes a node, and cluster.sh, which is the node, by their names, without comments. */
export function clusterRecipe(): { [name: string]: string } {
    return {
        ...recipeOf(__dirname, sourcesIn(__dirname)),
        ...recipeOf(path.join(__dirname, "../emulation"), ofEmulation),
    };
}
