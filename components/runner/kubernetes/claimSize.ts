import * as pulumi from "@pulumi/pulumi";
import { shrinkRefusal } from "../shrinkRefusal";
import { kubectlGet, type NamespacePlace } from "./kubectl";

/** Keeps an update from another size that the cluster refuses, whose own words name neither the setting nor a remedy. */
export function guardsSize(name: string, place: NamespacePlace): pulumi.ResourceHook {
    return new pulumi.ResourceHook(
        `size: ${name}`,
        async ({ newInputs }) => {
            const { metadata, spec } = newInputs ?? {};
            const refusal = await sizeRefusal(place, metadata?.name, spec?.resources?.requests?.storage);
            if (refusal) {
                throw new Error(refusal);
            }
        },
        { onDryRun: true },
    );
}

/**
 * Why the cluster refuses that a claim gets the size `wanted`, a quantity of Kubernetes. Undefined where it does not, or cannot
 * be asked: then it has the last word.
 *
 * Until a pod first needs it, a claim may have no volume, and then its size cannot change at all. Only the cluster knows: the
 * state has what the claim was when it was made. A size that no volume has reached, as after one too large, can be taken back.
 */
export async function sizeRefusal(place: NamespacePlace, claim: string, wanted: string): Promise<string | undefined> {
    const { namespace, context } = place;
    const found = await kubectlGet(context, ["persistentvolumeclaim", claim, "--namespace", namespace]).catch(() => "");
    if (!found) {
        return undefined;
    }
    const { spec, status } = JSON.parse(found);
    const [before, after] = [gigabytesOf(spec.resources.requests.storage), gigabytesOf(wanted)];
    // Not --replace: Pulumi would make the new claim first, and it has the name of the old one.
    const login = context ? ` --context '${context}'` : "";
    const anew = `kubectl delete persistentvolumeclaim ${claim}${login} --namespace ${namespace} && pulumi up --refresh`;
    if (status.phase === "Pending" && (after < before || after > before)) {
        return (
            `cacheGigabytes ${after}: claim ${claim} of ${before} has no volume yet, and Kubernetes changes the size of none ` +
            `without. Make it anew, nothing is in it: ${anew}`
        );
    }
    const size = gigabytesOf(status.capacity?.storage);
    return after < before && after < size
        ? shrinkRefusal({
              wanted: after,
              before: Math.min(before, size),
              room: `claim ${claim}`,
              maker: "Kubernetes",
              anew,
          })
        : undefined;
}

const units: { [suffix: string]: number } = { "": 2 ** -30, Ki: 2 ** -20, Mi: 2 ** -10, Gi: 1, Ti: 2 ** 10 };

/** A quantity of Kubernetes in GiB; NaN, which is neither smaller nor larger, of what volumes seldom have. */
function gigabytesOf(quantity = ""): number {
    const [, number, suffix = ""] = /^(\d+)([A-Z]i)?$/.exec(quantity) ?? [];
    return Number(number) * (units[suffix] ?? Number.NaN);
}
