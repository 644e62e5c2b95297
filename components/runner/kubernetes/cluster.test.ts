import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { mockAws, resolved, settled } from "../../../tests/helpers/awsMocks";
import { runnerSettings } from "../settings";
import { KubernetesRunners } from "./kubernetesRunners";
import { type KubernetesRunnersValues, kubernetesMistakes } from "./mistakes";
import { runnersPolicies } from "./networkPolicy";
import { kubernetesRunnerSettings } from "./settings";

jest.setTimeout(60_000);

const defaults = Object.fromEntries(
    Object.entries({ ...runnerSettings, ...kubernetesRunnerSettings }).map(([name, setting]) => [
        name,
        v.getDefault(setting),
    ]),
) as KubernetesRunnersValues;

describe("the cluster of Kubernetes runners", () => {
    beforeEach(async () => {
        await mockAws();
    });
    afterEach(() => pulumi.runtime.setAllConfig({}));

    it("is that of Pulumi's own setting, for connect too", async () => {
        pulumi.runtime.setAllConfig({ "kubernetes:context": "arn:aws:eks:eu-central-1:123456789012:cluster/ci" });
        expect(kubernetesMistakes(defaults, "demo-prod")).toEqual([]);
        const { runners } = new KubernetesRunners("demo", { kubernetesNamespace: "demo-prod" });
        const [runner] = runners;
        expect((await resolved(runner?.node as pulumi.Output<{ shared: object }>)).shared).toMatchObject({
            kubernetes_context: "arn:aws:eks:eu-central-1:123456789012:cluster/ci",
        });
        await settled();
    });

    it.each([
        ["kubernetes:context", "a&b", /^kubernetes:context: "a&b" has characters that connect cannot pass on; kubectl/],
        [
            "kubernetes:kubeconfig",
            "/home/me/config",
            /^kubernetes:kubeconfig: is not known where connect runs; remove it/,
        ],
        [
            "kubernetes:cluster",
            "ci",
            /^kubernetes:cluster: buildx, .* cannot be told a cluster; remove it, and set kubernetes:context/,
        ],
    ])("is not said by %s %s", (setting, value, message) => {
        pulumi.runtime.setAllConfig({ [setting]: value });
        expect(kubernetesMistakes(defaults, "demo-prod")).toEqual([expect.stringMatching(message)]);
    });

    it("is that of a program's own provider where it says the context, whatever Pulumi's settings say", async () => {
        pulumi.runtime.setAllConfig({ "kubernetes:context": "other", "kubernetes:cluster": "other" });
        const args = { kubernetesNamespace: "demo-prod", context: "mine" };
        const { runners } = new KubernetesRunners("demo", args);
        const [runner] = runners;
        expect((await resolved(runner?.node as pulumi.Output<{ shared: object }>)).shared).toMatchObject({
            kubernetes_context: "mine",
        });
        await settled();
        expect(() => new KubernetesRunners("wrong", { ...args, context: "a&b" })).toThrow(
            /^context: "a&b" has characters that connect cannot pass on; kubectl config rename-context/,
        );
    });

    it("has no compile cluster among its pods", () => {
        expect(kubernetesMistakes({ ...defaults, compileCluster: true }, "demo-prod")).toEqual([
            "compileCluster: pods are in no compile cluster, EC2 runners may be; set it to false or remove it",
        ]);
    });

    it("has to be named where a program gives them a provider of its own, which kubectl does not know", () => {
        const own = { hasProvider: true };
        expect(kubernetesMistakes(defaults, "demo-prod", own)).toEqual([
            expect.stringMatching(/^context: is not set, /),
        ]);
        for (const context of ["", "ci"]) {
            expect(kubernetesMistakes(defaults, "demo-prod", { ...own, context })).toEqual([]);
        }
    });

    it("has no namespace of a name that none can have", () => {
        expect(kubernetesMistakes(defaults, "my_builds-prod")).toEqual([
            expect.stringMatching(
                /^kubernetesNamespace: the stack's name, my_builds-prod, cannot be the name of a namespace; set/,
            ),
        ]);
        expect(kubernetesMistakes({ ...defaults, kubernetesNamespace: "builds" }, "my_builds-prod")).toEqual([]);
    });

    it("on EKS knows the CI role by an access entry, in the clients' group and with no policy", async () => {
        const mocks = await mockAws();
        const runners = new KubernetesRunners("demo", {
            kubernetesNamespace: "demo-prod",
            eksCluster: "ci",
            tags: { team: "builds" },
        });
        const role = "arn:aws:iam::123456789012:role/demo-ci";
        expect(runners.admit?.(pulumi.output(role))).toHaveLength(1);
        expect(await resolved(runners.access as pulumi.Output<unknown>)).toEqual([
            {
                Sid: "FindCluster",
                Action: ["eks:DescribeCluster"],
                Resource: ["arn:aws:eks:eu-central-1:123456789012:cluster/ci"],
            },
        ]);
        await settled();
        expect(mocks.one("kubernetes:networking.k8s.io/v1:NetworkPolicy", "demo").inputs.spec).toEqual(
            runnersPolicies({ isEks: true }).runners,
        );
        expect(mocks.one("aws:eks/accessEntry:AccessEntry").inputs).toEqual({
            clusterName: "ci",
            principalArn: role,
            kubernetesGroups: ["demo-prod-clients"],
            tags: { team: "builds" },
        });
    });
});
