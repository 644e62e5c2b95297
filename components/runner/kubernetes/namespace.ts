import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { OwnerId } from "../../ownerId";
import { kubectlGet, type NamespacePlace } from "./kubectl";
import { timeouts } from "./podTemplate";

/** Label of a namespace: the id of whose it is. */
const ownerLabel = "native-buildx/owner";

/**
 * A namespace that is the stack's alone, with the level of pod security that BuildKit needs. One that exists is refused unless
 * it has the id of this stack, which was interrupted then before it could note that it had made it.
 */
export function makeNamespace(name: string, place: NamespacePlace, parent: pulumi.Resource): core.Namespace {
    const owner = new OwnerId(name, { parent });
    const labels = { "pod-security.kubernetes.io/enforce": "privileged", [ownerLabel]: owner.id };
    const isPreview = pulumi.runtime.isDryRun();
    const guard = new pulumi.ResourceHook(
        `namespace: ${name}`,
        async ({ newInputs }) => {
            const refusal = await refusalOf(place, newInputs?.metadata?.labels?.[ownerLabel]);
            if (refusal?.isCertain || (refusal && !isPreview)) {
                throw new Error(refusal.words);
            }
        },
        { onDryRun: true },
    );
    return new core.Namespace(
        name,
        { metadata: { name: place.namespace, labels } },
        { parent, hooks: { beforeCreate: [guard] }, customTimeouts: timeouts },
    );
}

/** Why a namespace is not made. */
export interface Refusal {
    words: string;
    /** It exists. Otherwise nobody could tell: the cluster itself may be made by the same `up`. */
    isCertain: boolean;
}

/**
 * Whether a namespace exists that is another's: Pulumi's provider would take it over, and a `destroy` delete it with all that
 * is in it.
 *
 * @param owner the id of this stack, as far as it is known
 */
export async function refusalOf(
    { namespace, context }: NamespacePlace,
    owner: string | undefined,
): Promise<Refusal | undefined> {
    try {
        const found = await kubectlGet(context, ["namespace", namespace]);
        if (!found || (owner && JSON.parse(found).metadata.labels?.[ownerLabel] === owner)) {
            return undefined;
        }
        return {
            isCertain: true,
            words:
                `kubernetesNamespace: namespace ${namespace} exists and is not this stack's own, which destroy would delete with ` +
                "all that is in it; set another name. If nothing in it is needed any more: kubectl delete namespace " +
                namespace,
        };
    } catch (error) {
        const { code, stderr = "", message } = error as Error & { code?: unknown; stderr?: string };
        const why =
            code === "ENOENT"
                ? "kubectl was not found. Install it: https://kubernetes.io/docs/tasks/tools/"
                : `kubectl says: ${(stderr || message).trim().split("\n").at(-1)}`;
        return {
            isCertain: false,
            words: `kubernetesNamespace: whether namespace ${namespace} is another's cannot be seen. ${why}`,
        };
    }
}
