import { describeWithStack } from "./cluster/describeWithCluster";
import { TestCluster } from "./cluster/testCluster";
import { KubernetesProject } from "./kubernetesProject";

jest.setTimeout(240_000);

const namespace = "native-buildx-own";
const refused = /kubernetesNamespace: namespace native-buildx-own exists and is not this stack's own/;

// Told in order: each test goes on from the one before.
describeWithStack("the namespace of a stack", () => {
    let cluster: TestCluster;
    let project: KubernetesProject;

    beforeAll(async () => {
        cluster = await TestCluster.start();
        project = await createProject();
    });

    afterAll(() => project?.end());
    afterAll(() => cluster?.end());

    /** Of the same name each time, with a state of its own. */
    async function createProject(): Promise<KubernetesProject> {
        const created = await KubernetesProject.createIn(cluster, "own", { platforms: ["linux/amd64"] });
        await created.init();
        return created;
    }
    const identity = () => cluster.kubectl("get", "namespace", namespace, "--output", "jsonpath={.metadata.uid}");
    /** The state's name of it. */
    async function urn(): Promise<string> {
        const { output } = await project.succeed(project.pulumi("stack", "export"));
        const { resources } = JSON.parse(output).deployment as { resources: { urn: string; type: string }[] };
        return resources.find(({ type }) => type === "kubernetes:core/v1:Namespace")?.urn ?? "";
    }

    it("is refused where another team has it, in a preview and in an up, and nothing is made there", async () => {
        cluster.kubectl("create", "namespace", namespace);
        cluster.kubectl("--namespace", namespace, "create", "configmap", "theirs");
        const before = cluster.everything();
        for (const result of [await project.pulumi("preview"), await project.up()]) {
            expect(result.output).toMatch(refused);
            expect(result.code).not.toBe(0);
        }
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));

        expect(cluster.everything()).toEqual(before);
        cluster.kubectl("delete", "namespace", namespace);
    });

    it("is made where nobody has it, and left as it is by what comes later", async () => {
        await project.succeed(project.pulumi("preview"));
        await project.succeed(project.up());
        const made = identity();
        await project.succeed(project.pulumi("up", "--refresh", "--yes", "--skip-preview"));
        const { output } = await project.succeed(project.pulumi("stack", "export"));
        await project.succeed(project.run("pulumi", ["stack", "import", "--stack", "own"], { input: output }));
        await project.succeed(project.up());

        expect(identity()).toBe(made);
    });

    it("is refused to a stack of the same name that has another state, and goes on being the first one's", async () => {
        const other = await createProject();
        const { code, output } = await other.up();
        await other.succeed(other.pulumi("destroy", "--yes", "--skip-preview"));
        await other.end();

        expect(output).toMatch(refused);
        expect(code).not.toBe(0);
        expect(project.kubectl("get", "statefulsets", "--output", "name")).toBe("statefulset.apps/amd64\n");
    });

    it("is the stack's own where an interrupted up could not note it any more", async () => {
        const made = identity();
        await project.succeed(
            project.pulumi("state", "delete", await urn(), "--target-dependents", "--force", "--yes"),
        );
        expect(await urn()).toBe("");
        await project.succeed(project.up());

        expect(identity()).toBe(made);
        expect(await urn()).not.toBe("");
    });

    it("is made again where somebody deleted it", async () => {
        const made = identity();
        cluster.kubectl("delete", "namespace", namespace);
        await project.succeed(project.pulumi("up", "--refresh", "--yes", "--skip-preview"));

        expect(identity()).not.toBe(made);
    });
});
