import { until } from "../e2e/processes";
import { asleepFor, fromStep, writes } from "../helpers/stepImage";
import { describeWithStack } from "./cluster/describeWithCluster";
import { TestCluster } from "./cluster/testCluster";
import { KubernetesProject } from "./kubernetesProject";

jest.setTimeout(300_000);

describeWithStack("a setting that is changed", () => {
    let cluster: TestCluster;
    let project: KubernetesProject;

    beforeAll(async () => {
        cluster = await TestCluster.start();
        cluster.apply([
            {
                apiVersion: "storage.k8s.io/v1",
                kind: "StorageClass",
                metadata: { name: "other" },
                provisioner: "kubernetes.io/host-path",
            },
        ]);
        project = await KubernetesProject.createIn(cluster, "changed", { platforms: ["linux/amd64"], idleMinutes: 0 });
        await project.init();
        await project.succeed(project.up());
    });

    afterAll(() => project?.end());
    afterAll(() => cluster?.end());

    const claims = () => project.kubectl("get", "persistentvolumeclaims", "--output", "name").trim().split("\n");
    const pod = () => project.kubectl("get", "pod", "amd64-0", "--output", "jsonpath={.metadata.uid}");

    /** What a preview says to another cacheGigabytes. */
    const refused = async (cacheGigabytes: number) => {
        project.configure({ cacheGigabytes });
        const { code, output } = await project.pulumi("preview");
        expect(code).not.toBe(0);
        return output;
    };

    it("cacheGigabytes: a preview says how a claim without a volume gets it, and that none becomes smaller", async () => {
        const said = await refused(40);
        expect(said).toMatch(/cacheGigabytes 40: claim cache-amd64 of 30 has no volume yet/);
        const [, commands = ""] = /(kubectl delete .*) && pulumi up --refresh/.exec(said) ?? [];
        await project.succeed(project.run("sh", ["-c", commands]));
        await project.succeed(project.pulumi("up", "--refresh", "--yes", "--skip-preview"));
        await project.connectAndBuild("first", "amd64");

        expect(await refused(30)).toMatch(/cacheGigabytes 30: claim cache-amd64 has 40, and Kubernetes cannot/);
        project.configure({ cacheGigabytes: 40 });
    });

    it("lets a build of an awake runner finish, and whoever connects meanwhile wait for it, however short his patience is", async () => {
        const before = pod();
        const context = project.context("long", [...fromStep, asleepFor(40), writes("despite the change")]);
        const words = ["build", "--builder", `${project.namespace}-amd64`, "--output", "type=cacheonly", context];
        const env = { HOME: `${project.folder}/first` };
        const build = project.start("buildx", [...words, "--progress", "plain", "--provenance=false"], { env });
        await until("the step runs", () => /RUN \[/.test(build.said()));
        project.configure({ historyDays: 3 });
        await project.succeed(project.up());
        await until("the pod is being ended", () =>
            /\d/.test(project.kubectl("get", "pod", "amd64-0", "--output", "jsonpath={.metadata.deletionTimestamp}")),
        );
        const said = await project.connectAndBuild("second", "amd64", { NATIVE_BUILDX_WAKE_TIMEOUT: "15" });

        await project.succeed(build.done);
        expect(said).toMatch(/its pod is being ended after the builds that run, the next follows/);
        expect(pod()).not.toBe(before);
    });

    it("storageClass: the runner goes on with another claim, and back again", async () => {
        const [first] = claims();
        project.configure({ storageClass: "other" });
        await project.succeed(project.up());
        await project.connectAndBuild("first", "amd64");
        await until("the old claim is gone", () => claims().length === 1);
        expect(claims()).not.toEqual([first]);

        project.configure({ storageClass: "" });
        await project.succeed(project.up());
        await project.connectAndBuild("first", "amd64");
        await until("the other claim is gone", () => claims().length === 1);
        expect(claims()).toEqual([first]);
    });

    it("buildkitImage: where no node can pull it, who connects is told so, and the runner keeps no node", async () => {
        project.configure({ buildkitImage: "127.0.0.1:1/none:1" });
        await project.succeed(project.up());
        const connecting = project.connectAndBuild("first", "amd64", { k8s_patience: "5" });
        await expect(connecting).rejects.toThrow(/cannot start: .*Image.*\n.*scaled to 0 again/);
        await until("the pod is gone", async () => (await project.state("amd64")) === "0/0");

        project.configure({ buildkitImage: cluster.buildkitImage });
        await project.succeed(project.up());
        await project.connectAndBuild("first", "amd64");
    });
});
