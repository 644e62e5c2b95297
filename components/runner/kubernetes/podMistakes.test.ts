import { checkedValues } from "../../settings/values";
import { runnerSettings } from "../settings";
import type { KubernetesRunnersValues } from "./mistakes";
import { podMistakes } from "./podMistakes";
import { kubernetesRunnerSettings } from "./settings";

/** What is wrong with settings; the defaults stand beside them. */
const mistakesOf = (given: object) =>
    podMistakes(checkedValues({ ...runnerSettings, ...kubernetesRunnerSettings }, given) as KubernetesRunnersValues);

describe("what the API server would refuse of a pod", () => {
    it.each<[string, object]>([
        ["the defaults", {}],
        ["a limit as high as the request", { podLimits: { cpu: "3000m", memory: "6144Mi" } }],
        ["a limit without a request", { podRequests: { cpu: "1" }, podLimits: { memory: "1Gi" } }],
        ["a limit in powers of ten", { podLimits: { memory: "6442450944" } }],
        ["a part of a core", { podRequests: { cpu: "0.5" }, podLimits: { cpu: "500m" } }],
        ["steps that leave some of the limit", { podLimits: { memory: "8Gi" }, stepMemoryMegabytes: 7168 }],
        ["all taints", { tolerations: [{ operator: "Exists" }] }],
        [
            "a taint for some time",
            { tolerations: [{ key: "a.example/b", effect: "NoExecute", tolerationSeconds: 60 }] },
        ],
        ["a taint without a value", { tolerations: [{ key: "builds", operator: "Exists", value: "" }] }],
        ["labels", { nodeSelectors: { "linux/amd64": { "karpenter.sh/nodepool": "builds", Pool_1: "" } } }],
        ["a storage class", { storageClass: "gp3.example" }],
    ])("has %s not among it", (_what, given) => {
        expect(mistakesOf(given)).toEqual([]);
    });

    it.each<[object, string]>([
        [
            { podLimits: { memory: "4Gi" } },
            "podLimits.memory: 4Gi is less than podRequests.memory, 6Gi; raise it, or lower that",
        ],
        [
            { podLimits: { cpu: "2999m" }, podRequests: { cpu: "3" } },
            "podLimits.cpu: 2999m is less than podRequests.cpu, 3; raise it, or lower that",
        ],
        [
            { podLimits: { memory: "6G" } },
            "podLimits.memory: 6G is less than podRequests.memory, 6Gi; raise it, or lower that",
        ],
        [
            { podLimits: { memory: "8Gi" }, stepMemoryMegabytes: 8192 },
            "stepMemoryMegabytes: 8192 MiB is not less than podLimits.memory, 8Gi, and BuildKit needs some of it; lower it, or raise that",
        ],
        [
            { tolerations: [{ effect: "NoSchedule" }] },
            "tolerations[0]: has no key; add one, or operator: Exists for all taints",
        ],
        [
            { tolerations: [{ key: "a" }, { key: "builds", operator: "Exists", value: "yes" }] },
            "tolerations[1].value: operator Exists is for every value; remove one of the two",
        ],
        [
            { tolerations: [{ key: "builds", effect: "NoSchedule", tolerationSeconds: 60 }] },
            "tolerations[0].tolerationSeconds: is for effect NoExecute only; set that, or remove it",
        ],
    ])("has %j among it", (given, mistake) => {
        expect(mistakesOf(given)).toEqual([mistake]);
    });

    it.each<[object, RegExp]>([
        [
            { nodeSelectors: { "linux/amd64": { "my pool": "a" } } },
            /^nodeSelectors.*: "my pool" cannot be a name here$/,
        ],
        [
            { nodeSelectors: { "linux/amd64": { pool: "a b" } } },
            /^nodeSelectors.*pool: must be a label's value, at most 63/,
        ],
        [{ nodeSelectors: { "linux/amd64": { pool: "a".repeat(64) } } }, /must be a label's value, at most 63/],
        [
            { tolerations: [{ key: "a/b/c" }] },
            /^tolerations\[0\]\.key: must be a taint's key, as in example\.com\/builds/,
        ],
        [{ storageClass: "My_Class" }, /^storageClass: must be the name of a storage class, in small letters/],
    ])("has no names that Kubernetes does not take: %j", (given, message) => {
        expect(() => mistakesOf(given)).toThrow(message);
    });
});
