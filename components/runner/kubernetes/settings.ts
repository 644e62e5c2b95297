import * as v from "valibot";
import { architectures, knownPlatforms, type Platform } from "../../architecture";
import { byPlatform, keysOf, listOf, mapOf } from "../../settings/collections";
import { flag, oneOf, optionalText, setting, text, wholeNumber } from "../../settings/kinds";

const kubernetes = "Kubernetes runners only.";
/** A namespace is a DNS label: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
export const namespacePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
const labelWord = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";
const subdomain = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const labelName = new RegExp(`^(${subdomain}/)?${labelWord}$`);
const labelValue = optionalText(
    "a label's value, at most 63 letters, digits and -_. inside of them",
    new RegExp(`^${labelWord}$`),
);

/** Label kubernetes.io/arch of the nodes that build a platform. */
export function nodeArchitecture(platform: Platform): string {
    return architectures[architectures[platform].thirtyTwoBitOf ?? platform].suffix;
}

/**
 * BuildKit's released image. The digest is that of the index that Docker Hub has under this tag, as other projects pin it.
 */
export const defaultBuildkitImage =
    "docker.io/moby/buildkit:v0.31.1@sha256:6b59b7df63a8cb9902736f9ddf7fcff8261613d3e7449b8ea8b7537fc399c03a";

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
const quantity = v.optional(
    text("a quantity, as in 500m, 2 or 6Gi", { pattern: /^\d+(\.\d+)?(m|k|[KMGTP]i|[MGTP])?$/ }),
);
const quantities = () => keysOf("{cpu: QUANTITY, memory: QUANTITY}", { cpu: quantity, memory: quantity });

/** https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
const toleration = keysOf("{key: TAINT, value: VALUE, effect: EFFECT}", {
    key: v.optional(text("a taint's key, as in example.com/builds", { pattern: labelName })),
    operator: v.optional(oneOf("Equal", "Exists")),
    value: v.optional(labelValue),
    effect: v.optional(oneOf("NoSchedule", "PreferNoSchedule", "NoExecute")),
    tolerationSeconds: v.optional(wholeNumber(0, 1e9)),
});

/** The settings that only Kubernetes runners have. Which cluster it is says Pulumi's own setting kubernetes:context. */
export const kubernetesRunnerSettings = {
    kubernetesNamespace: setting(
        text("the name of a namespace, in small letters, digits and dashes", {
            pattern: namespacePattern,
            mayBeEmpty: true,
        }),
        "",
        `${kubernetes} Namespace of their own, which is made and deleted with them, and must not exist before. Empty for the stack's name, as in native-buildx-prod.`,
    ),
    nodeSelectors: setting(
        byPlatform("PLATFORM: {LABEL: VALUE}", mapOf("LABEL: VALUE", labelValue, labelName)),
        {},
        `${kubernetes} Labels that their nodes must have, by platform, besides kubernetes.io/os: linux and kubernetes.io/arch, which is ${knownPlatforms.map((platform) => `${nodeArchitecture(platform)} for ${platform}`).join(", ")} unless it is set here.`,
    ),
    tolerations: setting(
        listOf("a list of tolerations", toleration),
        [],
        `${kubernetes} Taints of nodes that they may run on, as a pod's tolerations have them: key, operator, value, effect, tolerationSeconds.`,
    ),
    podRequests: setting(
        quantities(),
        { cpu: "3", memory: "6Gi" },
        `${kubernetes} What a node must have free for each, as in {cpu: "3", memory: 6Gi}, which fits a node of 4 cores and 8 GiB.`,
    ),
    podLimits: setting(
        quantities(),
        {},
        `${kubernetes} The most that each may use, as in {memory: 8Gi}. Without a limit a runner uses what its node has.`,
    ),
    storageClass: setting(
        optionalText(
            "the name of a storage class, in small letters, digits, dots and dashes",
            new RegExp(`^${subdomain}$`),
        ),
        "",
        `${kubernetes} Storage class of their cache volumes, as in gp3. Empty for the cluster's default. With another class the caches begin empty.`,
    ),
    buildkitImage: setting(
        text("the reference of an image"),
        defaultBuildkitImage,
        `${kubernetes} BuildKit's image, by digest, for a company mirror.`,
    ),
    refusedCidrs: setting(
        listOf("a list of address ranges", text("an address range, such as 10.0.0.0/16")),
        [],
        `${kubernetes} Address ranges that build steps may not reach, besides the cloud's metadata services, the cluster's API server at its service address, and each other.`,
    ),
    userNamespaces: setting(
        flag(),
        false,
        `${kubernetes} Root in a runner is no user of its node (hostUsers: false). Needs Kubernetes 1.33, containerd 2.0 and Linux 6.3, or newer.`,
    ),
    clientGroups: setting(
        listOf("a list of groups", text("a group of the cluster's users, such as system:serviceaccounts:ci")),
        [],
        `${kubernetes} Groups of the cluster's users that may wake them and build on them, such as system:serviceaccounts:NAMESPACE.`,
    ),
    eksCluster: setting(
        optionalText("the name of an EKS cluster"),
        "",
        `${kubernetes} Name of the EKS cluster that they are in: the CI role gets an access entry there. Empty where it is no EKS cluster.`,
    ),
};
