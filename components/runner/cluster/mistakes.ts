/**
 * Why a stack may not have a compile cluster: icecream runs what a build step sends, outside of every container. Those who
 * build on such runners have to trust one another, as they do on one machine.
 */
export function clusterTrustMistakes(values: { compileCluster: boolean; readsFrom: readonly string[] }): string[] {
    return values.compileCluster && values.readsFrom.length > 0
        ? [
              "compileCluster: with readsFrom, jobs that are not trusted use the runners of this stack, and in a compile cluster " +
                  "each runner runs what builds on others send; remove compileCluster here",
          ]
        : [];
}

/** Of a kind of runner without it. @param runners what they are called, as in "pods" */
export function noClusterMistakes(values: { compileCluster: boolean }, runners: string): string[] {
    return values.compileCluster
        ? [`compileCluster: ${runners} are in no compile cluster, EC2 runners may be; set it to false or remove it`]
        : [];
}
