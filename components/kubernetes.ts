// The library's public names that need the Kubernetes package.
export { KubernetesRunners, type KubernetesRunnersArgs } from "./runner/kubernetes/kubernetesRunners";
