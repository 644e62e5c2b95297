import { setTimeout } from "node:timers/promises";
import { inMidBuild } from "../e2e/midBuild";
import { until } from "../e2e/processes";
import { asleepFor, fromStep, writes } from "../helpers/stepImage";
import { describeWithStack } from "./cluster/describeWithCluster";
import { TestCluster } from "./cluster/testCluster";
import { KubernetesProject } from "./kubernetesProject";

jest.setTimeout(300_000);

/** Seconds without a build after which the runner is idle. */
const idle = 8;
/** Connections around the idle stop: 50 with `SOAK_CONNECTIONS=50`. */
const connections = Number(process.env.SOAK_CONNECTIONS ?? 4);

// Each fault ends with the right image after the next up, with nothing lost and nothing to repair by hand.
describeWithStack("after a fault in a Kubernetes cluster, the next up is right", () => {
    let cluster: TestCluster;
    let project: KubernetesProject;

    beforeAll(async () => {
        cluster = await TestCluster.start();
        makeSmallVolume(cluster);
        project = await KubernetesProject.createIn(cluster, "faults", {
            platforms: ["linux/amd64"],
            idleMinutes: 0,
            cacheGigabytes: 1,
            storageClass: "small",
            images: { image: { context: "image" } },
        });
        project.context("image", [...fromStep, writes("at first")]);
        await project.init();
        await project.succeed(project.up());
    });

    afterAll(() => project?.end());
    afterAll(() => cluster?.end());

    const change = (...steps: string[]) => project.context("image", [...fromStep, ...steps]);

    async function expectImage(text: string): Promise<void> {
        await project.succeed(project.up());
        expect(await project.platformsOf("image")).toEqual(["linux/amd64"]);
        expect(await project.fileIn("image", "amd64", "result")).toBe(text);
    }

    it("pod killed in mid-build, as by a node that is taken away", async () => {
        change(asleepFor(60), writes("despite the kill"));
        const running = project.startUp();
        await inMidBuild(running, "amd64");
        project.kubectl("delete", "pod", "amd64-0", "--grace-period=0", "--force");
        const { code, output } = await running.done;

        expect(code).not.toBe(0);
        expect(output).toMatch(/image-amd64/);
        change(asleepFor(1), writes("despite the kill"));
        await expectImage("despite the kill");
    });

    it("node drained in mid-build: the build is finished first, and then there is no node", async () => {
        change(asleepFor(8), writes("before the drain"));
        const running = project.startUp();
        await inMidBuild(running, "amd64");
        const words = ["--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=120s"];
        const drained = project.run("kubectl", ["drain", "node-amd64", ...words]);
        await project.succeed(running.done);
        await project.succeed(drained);
        change(writes("after the drain"));
        const without = await project.up({ NATIVE_BUILDX_WAKE_TIMEOUT: "5" });

        expect(without.code).not.toBe(0);
        expect(without.output).toMatch(/no node for its pod yet: .*node/);
        await project.succeed(project.run("kubectl", ["uncordon", "node-amd64"]));
        await expectImage("after the drain");
    });

    it("claim full: the build that filled it says so, and leaves nothing", async () => {
        change('RUN ["/step", "fill", "/filling", "400"]');
        const { code, output } = await project.up();

        expect(code).not.toBe(0);
        expect(output).toMatch(/no space left on device/);
        await until("what it left is gone", () => freeMegabytes() > 200);
        change('RUN ["/step", "fill", "/filling", "80"]', writes("after it was full"));
        await expectImage("after it was full");
    });

    /** Of the runner's claim. */
    function freeMegabytes(): number {
        const told = project.kubectl("exec", "amd64-0", "--", "df", "-Pm", "/var/lib/buildkit");
        return Number(told.trim().split("\n").pop()?.split(/\s+/)[3]);
    }

    it("two clients that wake a runner at once", async () => {
        project.kubectl("scale", "statefulset/amd64", "--replicas=0");
        await until("the pod is gone", async () => (await project.state("amd64")) === "0/0");
        const homes = ["first", "second"];
        const said = await Promise.all(homes.map((home) => project.connectAndBuild(home, "amd64")));

        expect(said.map((text) => /is ready: linux\/amd64/.test(text))).toEqual([true, true]);
        expect(await project.state("amd64")).toBe("1/1");
    });

    it("kubelet that hangs: who connects is told so, and is served when it goes on", async () => {
        await project.connectAndBuild("first", "amd64");
        const kubelet = cluster.processOf("kubelet-amd64");
        process.kill(kubelet, "SIGSTOP");
        const connecting = project.connectAndBuild("first", "amd64").finally(() => process.kill(kubelet, "SIGCONT"));
        await setTimeout(25_000);
        process.kill(kubelet, "SIGCONT");

        expect(await connecting).toMatch(/running, waiting until BuildKit answers: no answer within 15 s/);
    });

    it(
        `${connections} connections around its idle stop, of which none is lost, nor a build`,
        async () => {
            project.configure({ idleMinutes: idle / 60 });
            await project.succeed(project.up());
            const lost: string[] = [];
            let asleep = 0;
            for (let turn = 0; turn < connections; turn++) {
                // From just before the runner closes its door, to a pod that is being ended.
                await setTimeout((idle - 2 + Math.random() * 10) * 1000);
                asleep += (await project.state("amd64")) === "1/1" ? 0 : 1;
                await project.connectAndBuild("first", "amd64").catch((error) => lost.push(String(error)));
            }
            process.stderr.write(
                `idle race: ${connections} connections, ${asleep} after the stop, ${lost.length} lost\n`,
            );

            expect(lost).toEqual([]);
        },
        120_000 + connections * 40_000,
    );

    it("API server gone for a minute in mid-build: who connects waits for it, and the runner sleeps afterwards", async () => {
        project.configure({ idleMinutes: (2 * idle) / 60 });
        await project.succeed(project.up());
        await project.connectAndBuild("first", "amd64");
        change(asleepFor(60), writes("despite the API server"));
        const running = project.startUp();
        await inMidBuild(running, "amd64");
        cluster.stop("kube-apiserver");
        const { code, output } = await running.done;
        const connecting = project.connectAndBuild("first", "amd64");
        await setTimeout(50_000);
        cluster.restart("kube-apiserver");

        expect(code).not.toBe(0);
        expect(output).toMatch(/image-amd64/);
        expect(await connecting).toMatch(/the cluster does not answer, trying again/);
        change(asleepFor(1), writes("despite the API server"));
        await expectImage("despite the API server");
        await until("the runner is asleep", async () => (await project.state("amd64")) === "0/0");
    });
});

/** A volume of 300 MB, and a class of storage that is it alone. */
function makeSmallVolume(cluster: TestCluster): void {
    const folder = "/tmp/small";
    cluster.inside("kubelet-amd64", "mkdir", folder);
    cluster.inside("kubelet-amd64", "mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", folder);
    const spec = {
        storageClassName: "small",
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        hostPath: { path: folder },
    };
    cluster.apply([
        {
            apiVersion: "storage.k8s.io/v1",
            kind: "StorageClass",
            metadata: { name: "small" },
            provisioner: "kubernetes.io/no-provisioner",
        },
        { apiVersion: "v1", kind: "PersistentVolume", metadata: { name: "small" }, spec },
    ]);
}
