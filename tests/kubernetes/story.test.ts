import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { until } from "../e2e/processes";
import { quietCommands, unchanged } from "../e2e/project";
import { builtIn } from "../helpers/builtIn";
import { archs, fromStep, writes } from "../helpers/stepImage";
import { describeWithStack } from "./cluster/describeWithCluster";
import { TestCluster } from "./cluster/testCluster";
import { KubernetesProject } from "./kubernetesProject";

jest.setTimeout(300_000);

/** Seconds without a build after which the runners are idle. */
const idle = 15;

// One stack's life, told in order: each test goes on from the one before.
describeWithStack("the story of a stack in a Kubernetes cluster", () => {
    let cluster: TestCluster;
    let project: KubernetesProject;
    /** Everything that the cluster had before the stack. */
    let before: string[];

    beforeAll(async () => {
        cluster = await TestCluster.start();
        before = cluster.everything();
        project = await KubernetesProject.createIn(cluster, "story", {
            idleMinutes: idle / 60,
            images: { app: { context: "app" } },
        });
        project.context("app", [...fromStep, "COPY greeting /greeting", writes("by a step")]);
        writeFileSync(path.join(project.folder, "app/greeting"), "hello");
        await project.init();
    });

    afterAll(() => project?.end());
    afterAll(() => cluster?.end());

    const bothAsleep = () =>
        until("both runners to be asleep", async () => {
            const states = await Promise.all(archs.map((arch) => project.state(arch)));
            return states.every((state) => state === "0/0");
        });

    it("builds and pushes an image for both platforms in the first up, each on a node of its architecture", async () => {
        const { output } = await project.succeed(project.up());

        expect(builtIn(output)).toEqual(["app-amd64", "app-arm64"]);
        expect(await project.platformsOf("app")).toEqual(["linux/amd64", "linux/arm64"]);
        for (const arch of archs) {
            expect(await project.fileIn("app", arch, "result")).toBe("by a step");
            const node = project.kubectl("get", "pod", `${arch}-0`, "--output", "jsonpath={.spec.nodeName}");
            expect(node).toBe(`node-${arch}`);
        }
    });

    it("keeps keys and tokens out of the state", async () => {
        const { output } = await project.succeed(project.pulumi("stack", "export"));

        expect(output).not.toMatch(/PRIVATE KEY|client-key-data|eyJhbGci/);
    });

    it("lets idle runners scale themselves to 0, and keeps their claims", async () => {
        await bothAsleep();

        const claims = project.kubectl(
            "get",
            "persistentvolumeclaims",
            "--output",
            "jsonpath={.items[*].status.phase}",
        );
        expect(claims).toBe("Bound Bound");
    });

    it.each(quietCommands)("wakes no runner in an unchanged %s", async (_name, args) => {
        const { output } = await project.succeed(project.pulumi(...args));

        expect(output).toMatch(unchanged);
        expect(await project.state("amd64")).toBe("0/0");
        expect(await project.state("arm64")).toBe("0/0");
    });

    it("wakes one runner only, for a change that concerns one platform, and finds its cache", async () => {
        const overrides = { "linux/arm64": { args: { ONLY: "here" } } };
        project.configure({ images: { app: { context: "app", overrides } } });
        const { output } = await project.succeed(project.up());

        expect(builtIn(output)).toEqual(["app-arm64"]);
        expect(await project.state("amd64")).toBe("0/0");
        expect(await project.platformsOf("app")).toEqual(["linux/amd64", "linux/arm64"]);
        const records = project.kubectl(
            "exec",
            "arm64-0",
            "--",
            "buildctl",
            "du",
            "--format",
            "{{range .}}{{.UsageCount}} {{end}}",
        );
        expect(Math.max(...records.trim().split(/\s+/).map(Number))).toBeGreaterThan(1);
    });

    it("leaves a runner awake that is awake, in a refresh and an up that change nothing", async () => {
        project.configure({ idleMinutes: 0 });
        await project.succeed(project.up());
        await project.succeed(project.pulumi("refresh", "--yes", "--skip-preview"));
        const script = await project.connectScript();
        await project.succeed(project.run("sh", ["-s"], { input: script }));
        const pods = project.kubectl("get", "pods", "--output", "jsonpath={.items[*].metadata.uid}");
        // In this order: after a refresh the state has the replicas that there are.
        await project.succeed(project.pulumi("refresh", "--yes", "--skip-preview"));
        await project.succeed(project.up());

        expect(project.kubectl("get", "pods", "--output", "jsonpath={.items[*].metadata.uid}")).toBe(pods);
        expect(await project.state("amd64")).toBe("1/1");
    });

    it("leaves the builder ready for plain docker buildx, for both platforms", async () => {
        const tag = `${project.registryUrl}/by-hand:1`;
        const builder = ["--builder", "native-buildx-story", "--platform", "linux/amd64,linux/arm64"];
        await project.succeed(project.run("buildx", ["build", ...builder, "--push", "--tag", tag, "app"]));

        const { output } = await project.succeed(project.run("crane", ["manifest", tag]));
        expect(output).toContain('"architecture": "arm64"');
        expect(output).toContain('"architecture": "amd64"');
    });

    it("removes a runner whose platform is removed, and its claim", async () => {
        project.configure({ platforms: ["linux/amd64"], images: { app: { context: "app" } } });
        await project.succeed(project.up());

        const left = () => project.kubectl("get", "statefulsets,persistentvolumeclaims", "--output", "name");
        // The cluster keeps a claim until its pod has ended.
        await until(
            "the rest of the runner to be gone",
            () => left() === "statefulset.apps/amd64\npersistentvolumeclaim/cache-amd64\n",
        );
        expect(await project.platformsOf("app")).toEqual(["linux/amd64"]);
    });

    it("destroys everything: the cluster is as it was before", async () => {
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));

        await until("the cluster is as before", () => JSON.stringify(cluster.everything()) === JSON.stringify(before));
    });
});
