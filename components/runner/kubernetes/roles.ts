import type { types } from "@pulumi/kubernetes";
import * as rbac from "@pulumi/kubernetes/rbac/v1";
import type * as pulumi from "@pulumi/pulumi";

export interface GrantArgs {
    namespace: string;
    /** Of the Role and of its binding. */
    name: string;
    rules: types.input.rbac.v1.PolicyRule[];
    subjects: types.input.rbac.v1.Subject[];
}

/** A Role, and who has it. */
export function grant(
    name: string,
    { namespace, name: role, rules, subjects }: GrantArgs,
    opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
    const metadata = { name: role, namespace };
    return [
        new rbac.Role(name, { metadata, rules }, opts),
        new rbac.RoleBinding(
            name,
            { metadata, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role }, subjects },
            opts,
        ),
    ];
}

/** What a client of runners may do: wake them, see how they are, and speak with their BuildKit. Nothing else, and of no others. */
export function clientRules(sets: readonly string[]): types.input.rbac.v1.PolicyRule[] {
    const resourceNames = [...sets];
    const pods = sets.map((set) => `${set}-0`);
    return [
        { apiGroups: ["apps"], resources: ["statefulsets"], resourceNames, verbs: ["get"] },
        { apiGroups: ["apps"], resources: ["statefulsets/scale"], resourceNames, verbs: ["get", "patch"] },
        { apiGroups: [""], resources: ["pods"], resourceNames: pods, verbs: ["get"] },
        // kubectl asks by either, as its version and the server's have it.
        { apiGroups: [""], resources: ["pods/exec"], resourceNames: pods, verbs: ["create", "get"] },
        // Why a pod does not start. Kubernetes knows no narrower permission, and the namespace has nothing but runners.
        { apiGroups: [""], resources: ["events"], verbs: ["list"] },
    ];
}
