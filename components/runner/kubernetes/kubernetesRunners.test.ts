import { readFileSync } from "node:fs";
import { Provider } from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { mockPulumi, type PulumiMocks, resolved, settled } from "../../../tests/helpers/pulumiMocks";
import { KubernetesRunners, type KubernetesRunnersArgs } from "./kubernetesRunners";
import { runnersPolicies } from "./networkPolicy";
import { defaultBuildkitImage } from "./settings";

jest.setTimeout(60_000);

/** Inputs of a resource, to look into. */
// biome-ignore lint/suspicious/noExplicitAny: what Kubernetes' resources look like
type Inputs = any;

describe("KubernetesRunners", () => {
    let mocks: PulumiMocks;
    beforeEach(async () => {
        mocks = await mockPulumi();
    });

    async function make(args: Partial<KubernetesRunnersArgs> = {}): Promise<KubernetesRunners> {
        const runners = new KubernetesRunners("demo", { kubernetesNamespace: "demo-prod", ...args });
        await settled();
        return runners;
    }
    const inputs = (type: string, name: string): Inputs => mocks.one(`kubernetes:${type}`, name).inputs;
    const podOf = (name = "demo-arm64"): Inputs => inputs("apps/v1:StatefulSet", name).spec.template.spec;

    it("make a namespace whose level of pod security is said, and in which nobody reaches a runner", async () => {
        await make();
        expect(inputs("core/v1:Namespace", "demo").metadata).toEqual({
            name: "demo-prod",
            labels: { "pod-security.kubernetes.io/enforce": "privileged", "native-buildx/owner": "demo-id" },
        });
        const policies = ["demo", "demo-ipv6"].map((name) => inputs("networking.k8s.io/v1:NetworkPolicy", name));
        expect(policies).toMatchObject(
            Object.entries(runnersPolicies({ isEks: false })).map(([name, spec]) => ({
                metadata: { name, namespace: "demo-prod" },
                spec,
            })),
        );
    });

    it("have a namespace of the stack's name where they are given none, as the setting says", async () => {
        new KubernetesRunners("demo", {});
        await settled();
        const { metadata } = inputs("core/v1:Namespace", "demo");
        expect(metadata.name).toBe(`${pulumi.getProject()}-${pulumi.getStack()}`);
        expect(inputs("apps/v1:StatefulSet", "demo-arm64").metadata.namespace).toBe(metadata.name);
    });

    it("want to be told a context where they have a provider of their own", async () => {
        const provider = new Provider("own", { kubeconfig: "none" });
        const withProvider = (context?: string) =>
            new KubernetesRunners(
                `with ${context}`,
                { kubernetesNamespace: "demo-prod", ...(context === undefined ? {} : { context }) },
                { providers: [provider] },
            );
        expect(() => withProvider()).toThrow(/^context: is not set, /);
        withProvider("own");
        await settled();
    });

    it("make a StatefulSet for each, asleep, whose replicas an up leaves as they are", async () => {
        const { runners } = await make({ runnersPerPlatform: 2 });
        const sets = mocks.of("kubernetes:apps/v1:StatefulSet");
        expect(sets.map(({ inputs }) => (inputs as Inputs).metadata.name).sort()).toEqual([
            "amd64",
            "amd64-2",
            "arm64",
            "arm64-2",
        ]);
        for (const { inputs, ignoreChanges } of sets) {
            const { metadata, spec } = inputs as Inputs;
            expect(spec.replicas).toBe(0);
            expect(ignoreChanges).toEqual(["spec.replicas"]);
            expect(metadata.annotations).toEqual({ "pulumi.com/skipAwait": "true" });
            expect(spec.selector.matchLabels).toEqual(spec.template.metadata.labels);
            expect(spec.podManagementPolicy).toBe("Parallel");
        }
        expect(await resolved(pulumi.all(runners.map(({ node }) => node)))).toMatchObject(
            ["amd64", "amd64-2", "arm64", "arm64-2"].map((set) => ({
                kind: "kubernetes",
                variables: { stateful_set: set },
                shared: { kubernetes_namespace: "demo-prod", kubernetes_context: "" },
            })),
        );
    });

    it("run BuildKit's image by digest, on a node of their architecture, with a cache that outlives the pod", async () => {
        await make({ cacheGigabytes: 40 });
        expect(defaultBuildkitImage).toMatch(/@sha256:[0-9a-f]{64}$/);
        const { containers, nodeSelector, volumes, tolerations, hostUsers } = podOf();
        expect(containers).toHaveLength(1);
        expect(containers[0]).toMatchObject({
            image: defaultBuildkitImage,
            command: ["sh", "/etc/native-buildx/serve.sh"],
            resources: { requests: { cpu: "3", memory: "6Gi" } },
            securityContext: { privileged: true },
        });
        expect({ nodeSelector, tolerations, hostUsers }).toEqual({
            nodeSelector: { "kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64" },
            tolerations: [],
            hostUsers: undefined,
        });
        expect(volumes[1]).toEqual({ name: "cache", persistentVolumeClaim: { claimName: "cache-arm64" } });
        expect(inputs("core/v1:PersistentVolumeClaim", "demo-arm64")).toMatchObject({
            metadata: { name: "cache-arm64", namespace: "demo-prod" },
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "40Gi" } } },
        });
        expect(inputs("core/v1:PersistentVolumeClaim", "demo-arm64").spec.storageClassName).toBeUndefined();
    });

    it("have another claim with another storage class, which no claim can change", async () => {
        const nameOf = async (storageClass: string) => {
            mocks = await mockPulumi();
            await make({ storageClass });
            const { claimName } = podOf().volumes[1].persistentVolumeClaim;
            expect(inputs("core/v1:PersistentVolumeClaim", "demo-arm64").metadata.name).toBe(claimName);
            return claimName;
        };
        const names = [await nameOf(""), await nameOf("gp3"), await nameOf("io2"), await nameOf("gp3")];
        expect(names[1]).toMatch(/^cache-arm64-[0-9a-f]{10}$/);
        expect(names[3]).toBe(names[1]);
        expect(new Set(names).size).toBe(3);
    });

    it("take what the cluster wants of a pod from their settings", async () => {
        const toleration = { key: "builds", operator: "Equal", value: "yes", effect: "NoSchedule" } as const;
        await make({
            nodeSelectors: { "linux/arm64": { pool: "builds" }, "linux/amd64": { "kubernetes.io/arch": "arm64" } },
            tolerations: [toleration],
            podRequests: { cpu: "500m" },
            podLimits: { memory: "8Gi" },
            storageClass: "gp3",
            buildkitImage: "mirror.example/buildkit@sha256:0",
            userNamespaces: true,
        });
        const pod = podOf();
        expect(pod.nodeSelector).toMatchObject({ "kubernetes.io/arch": "arm64", pool: "builds" });
        // On a node that emulates.
        expect(podOf("demo-amd64").nodeSelector).toMatchObject({ "kubernetes.io/arch": "arm64" });
        expect(pod.tolerations).toEqual([toleration]);
        expect(pod.containers[0].resources).toEqual({ requests: { cpu: "500m" }, limits: { memory: "8Gi" } });
        expect(pod.containers[0].image).toBe("mirror.example/buildkit@sha256:0");
        expect(pod.hostUsers).toBe(false);
        expect(inputs("core/v1:PersistentVolumeClaim", "demo-arm64").spec.storageClassName).toBe("gp3");
    });

    it("are not disturbed while they are awake, and have time to end their builds", async () => {
        await make();
        const { template } = inputs("apps/v1:StatefulSet", "demo-arm64").spec;
        expect(template.metadata.annotations).toEqual({
            "kubectl.kubernetes.io/default-container": "buildkitd",
            "karpenter.sh/do-not-disrupt": "true",
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        });
        expect(template.spec.terminationGracePeriodSeconds).toBe(7200);
    });

    it("have BuildKit in the container that connect looks at, whatever a cluster puts beside it", async () => {
        const { runners } = await make();
        const [{ name }] = podOf().containers;
        const { metadata } = inputs("apps/v1:StatefulSet", "demo-arm64").spec.template;
        expect(metadata.annotations["kubectl.kubernetes.io/default-container"]).toBe(name);
        expect(readFileSync(runners[0]?.wakeScripts[0] ?? "", "utf8")).toContain(`{{if eq .name "${name}"}}`);
    });

    it("may change their own scale, each its own, and nothing else", async () => {
        await make();
        expect(inputs("rbac.authorization.k8s.io/v1:Role", "demo-arm64")).toMatchObject({
            metadata: { name: "arm64", namespace: "demo-prod" },
            rules: [
                { apiGroups: ["apps"], resources: ["statefulsets/scale"], resourceNames: ["arm64"], verbs: ["patch"] },
            ],
        });
        expect(inputs("rbac.authorization.k8s.io/v1:RoleBinding", "demo-arm64")).toMatchObject({
            roleRef: { kind: "Role", name: "arm64" },
            subjects: [{ kind: "ServiceAccount", name: "arm64", namespace: "demo-prod" }],
        });
        expect(podOf().serviceAccountName).toBe("arm64");
        expect(inputs("core/v1:ServiceAccount", "demo-arm64").automountServiceAccountToken).toBe(false);
        expect(mocks.of("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole")).toEqual([]);
    });

    it("let clients see and scale these sets, see and enter their pods, and read why one does not start", async () => {
        await make({ platforms: ["linux/arm64"], runnersPerPlatform: 2, clientGroups: ["system:serviceaccounts:ci"] });
        const [sets, pods] = [
            ["arm64", "arm64-2"],
            ["arm64-0", "arm64-2-0"],
        ];
        expect(inputs("rbac.authorization.k8s.io/v1:Role", "demo-clients").rules).toEqual([
            { apiGroups: ["apps"], resources: ["statefulsets"], resourceNames: sets, verbs: ["get"] },
            { apiGroups: ["apps"], resources: ["statefulsets/scale"], resourceNames: sets, verbs: ["get", "patch"] },
            { apiGroups: [""], resources: ["pods"], resourceNames: pods, verbs: ["get"] },
            { apiGroups: [""], resources: ["pods/exec"], resourceNames: pods, verbs: ["create", "get"] },
            { apiGroups: [""], resources: ["events"], verbs: ["list"] },
        ]);
        const { subjects } = inputs("rbac.authorization.k8s.io/v1:RoleBinding", "demo-clients");
        expect(subjects.map(({ kind, name }: Inputs) => [kind, name])).toEqual([
            ["Group", "demo-prod-clients"],
            ["Group", "system:serviceaccounts:ci"],
        ]);
    });

    it("give a pod its scripts and its BuildKit a configuration without an address", async () => {
        await make({ refusedCidrs: ["10.0.0.0/16"], idleMinutes: 0.5 });
        const { data } = inputs("core/v1:ConfigMap", "demo-arm64");
        expect(data["buildkitd.toml"]).toContain('address = ["unix:///run/buildkit/buildkitd.sock"]');
        expect(data["buildkitd.toml"]).not.toContain("tls");
        expect(data["settings.sh"]).toContain("namespace='demo-prod'\nstateful_set='arm64'\nidle_seconds='30'\n");
        expect(data["settings.sh"]).toMatch(/^refused='169\.254\.169\.254\/32 .* 10\.0\.0\.0\/16'$/m);
    });

    it("keep the ConfigMap of a pod as it is: other scripts or settings are another, by a name that a cluster takes", async () => {
        const nameOf = async (idleMinutes: number) => {
            mocks = await mockPulumi();
            await make({ runnersPerPlatform: 2, idleMinutes });
            return inputs("core/v1:ConfigMap", "demo-arm64_2").metadata.name;
        };
        expect(await nameOf(5)).toMatch(/^arm64-2-[0-9a-f]{10}$/);
        expect(await nameOf(5)).toBe(await nameOf(5));
        expect(await nameOf(6)).not.toBe(await nameOf(5));
    });

    it("are changed where there is no setting", async () => {
        await make({
            transform: {
                statefulSet: ({ spec, ...args }, { runner }) => ({
                    ...args,
                    spec: { ...(spec as Inputs), minReadySeconds: runner.length },
                }),
                claim: (args, { platform }) => ({
                    ...args,
                    metadata: { ...(args.metadata as Inputs), labels: { platform } },
                }),
            },
        });
        expect(inputs("apps/v1:StatefulSet", "demo-arm64").spec.minReadySeconds).toBe(5);
        expect(inputs("core/v1:PersistentVolumeClaim", "demo-arm64").metadata.labels).toEqual({
            platform: "linux/arm64",
        });
    });

    it("leave AWS alone where they are in no EKS cluster", async () => {
        const { access, admit } = await make();
        expect({ access, admit }).toEqual({});
    });

    it.each<[Partial<KubernetesRunnersArgs>, RegExp]>([
        [
            { kubernetesNamespace: "Demo_prod" },
            /^kubernetesNamespace: must be the name of a namespace, in small letters/,
        ],
        [
            { refusedCidrs: ["10.0.0.0"] },
            /^refusedCidrs: "10\.0\.0\.0" is not an address range; write it as in 10\.0\.0\.0\/16$/,
        ],
        [
            { clientGroups: ["team", "system:serviceaccounts:ci", "system:serviceaccount:ci:job"] },
            /^clientGroups: "system:serviceaccount:ci:job" is a service account's own name, .*; write system:serviceaccounts:ci, /,
        ],
        [{ tolerations: [{ effect: "NoSchedule" }] }, /^tolerations\[0\]: has no key; add one, or operator: Exists/],
        [{ podRequests: { cpu: "much" } }, /^podRequests\.cpu: must be a quantity, as in 500m, 2 or 6Gi, not "much"$/],
        [
            { nodeSelectors: { "linux/s390x": {} } as object },
            /^nodeSelectors\["linux\/s390x"\]: no such platform here; use: linux\/amd64/,
        ],
    ])("refuse %j", async (args, message) => {
        expect(() => new KubernetesRunners("demo", { kubernetesNamespace: "demo-prod", ...args })).toThrow(message);
    });
});
