import type { KubernetesRunnersValues } from "./mistakes";

/** What the API server would refuse of a pod, after all else was made. Each as one line: setting, mistake, remedy. */
export function podMistakes(values: KubernetesRunnersValues): string[] {
    return [
        ...values.tolerations.flatMap((toleration, at) => tolerationMistakes(`tolerations[${at}]`, toleration)),
        ...(["cpu", "memory"] as const).flatMap((resource) => limitMistakes(values, resource)),
        ...stepMemoryMistakes(values),
    ];
}

/** https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
function tolerationMistakes(name: string, toleration: KubernetesRunnersValues["tolerations"][number]): string[] {
    const { key, operator, value, effect, tolerationSeconds } = toleration;
    return [
        ...(key || operator === "Exists" ? [] : [`${name}: has no key; add one, or operator: Exists for all taints`]),
        ...(operator === "Exists" && value
            ? [`${name}.value: operator Exists is for every value; remove one of the two`]
            : []),
        ...(tolerationSeconds !== undefined && effect !== "NoExecute"
            ? [`${name}.tolerationSeconds: is for effect NoExecute only; set that, or remove it`]
            : []),
    ];
}

type Resource = "cpu" | "memory";

function limitMistakes({ podLimits, podRequests }: KubernetesRunnersValues, resource: Resource): string[] {
    const [limit, request] = [podLimits[resource], podRequests[resource]];
    return limit !== undefined && request !== undefined && amountOf(limit) < amountOf(request)
        ? [`podLimits.${resource}: ${limit} is less than podRequests.${resource}, ${request}; raise it, or lower that`]
        : [];
}

/** A step that takes more than the pod may have ends BuildKit, and with it the builds of others. */
function stepMemoryMistakes({ podLimits: { memory }, stepMemoryMegabytes }: KubernetesRunnersValues): string[] {
    return memory !== undefined && stepMemoryMegabytes * 2 ** 20 >= amountOf(memory)
        ? [
              `stepMemoryMegabytes: ${stepMemoryMegabytes} MiB is not less than podLimits.memory, ${memory}, and BuildKit needs some of it; lower it, or raise that`,
          ]
        : [];
}

const thousands = ["", "k", "M", "G", "T", "P"];

/** The number that a quantity stands for, as in 0.5 for 500m. */
function amountOf(quantity: string): number {
    const unit = quantity.replace(/^[\d.]+/, "");
    const amount = Number.parseFloat(quantity);
    if (unit === "m") {
        return amount / 1000;
    }
    return amount * (unit.endsWith("i") ? 1024 : 1000) ** thousands.indexOf(unit.charAt(0).replace("K", "k"));
}
