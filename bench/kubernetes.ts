import { namedRunners } from "../components/runner/runnerNames";
import { until } from "../tests/e2e/processes";
import { fromStep, writes } from "../tests/helpers/stepImage";
import { missingForCluster, TestCluster } from "../tests/kubernetes/cluster/testCluster";
import { KubernetesProject } from "../tests/kubernetes/kubernetesProject";
import type { Time } from "./figures";

const arch = "amd64";
const platform = `linux/${arch}` as const;
const names = Array.from({ length: 8 }, (_, at) => `image-${at + 1}`);
/** Of an image's only long step, in seconds of a core. */
const work = 4;
/** Of a small runner: four of them leave a part of two cores to the cluster. */
const small = { cpu: "400m" };
/** For each run of the images. */
const wakes = 3;

/**
 * Measures runners in a Kubernetes cluster, where there can be one.
 *
 * @param runs of the eight images on each number of runners
 */
export async function measureKubernetes(runs: number, time: Time, say: (text: string) => void): Promise<void> {
    const missing = missingForCluster({ stack: true });
    if (missing) {
        say(`${missing}: no measurement of runners in a cluster`);
        return;
    }
    let interrupted = false;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        process.once(signal, () => {
            interrupted = true;
        });
    }
    const unlessInterrupted: Time = async (name, action) => {
        if (interrupted) {
            throw new Error("interrupted");
        }
        await time(name, action);
    };
    await KubernetesBench.with((bench) => bench.measure(runs, unlessInterrupted));
}

/** Runners in the Kubernetes cluster of the tests: waking a pod, and eight images on two and on four runners. */
class KubernetesBench {
    private constructor(
        private readonly cluster: TestCluster,
        private readonly project: KubernetesProject,
    ) {}

    /** Calls `measure` with a stack in a cluster, and leaves nothing behind. */
    static async with(measure: (bench: KubernetesBench) => Promise<void>): Promise<void> {
        const cluster = await TestCluster.start();
        try {
            const project = await KubernetesProject.createIn(cluster, "bench", {
                platforms: [platform],
                idleMinutes: 0,
            });
            try {
                await project.init();
                await project.succeed(project.up());
                cluster.apply([bareSet(cluster.buildkitImage)]);
                const bench = new KubernetesBench(cluster, project);
                // A first start binds the claim; and whoever wakes has connected before.
                await bench.wakeToBuilt();
                await bench.start();
                await measure(bench);
            } finally {
                await project.end();
            }
        } finally {
            await cluster.end();
        }
    }

    async measure(runs: number, time: Time): Promise<void> {
        for (let turn = 0; turn < wakes * runs; turn++) {
            await this.stop();
            await time("podWakeToBuilt", () => this.wakeToBuilt());
            await time("podStart", () => this.start());
        }
        await this.eightImages(runs, time);
    }

    /** Makes sure that neither the runner nor the bare pod is there. */
    private async stop(): Promise<void> {
        this.project.kubectl("scale", `statefulset/${arch}`, "--replicas=0");
        this.cluster.kubectl("scale", "statefulset/bare", "--replicas=0");
        await until("the runner is asleep", async () => (await this.project.state(arch)) === "0/0");
        this.cluster.kubectl("wait", "--for=delete", "pod/bare-0", "--timeout=60s");
    }

    /** From connect to the end of a build that has nothing to do. */
    private async wakeToBuilt(): Promise<void> {
        await this.project.connectAndBuild("somebody", arch);
    }

    /** From scaling a set of the same image, which does nothing, until its pod is ready. */
    private async start(): Promise<void> {
        this.cluster.kubectl("scale", "statefulset/bare", "--replicas=1");
        this.cluster.kubectl("rollout", "status", "statefulset/bare", "--timeout=60s");
    }

    /** `pulumi up` of eight images, nothing cached, on two and on four small runners. */
    private async eightImages(runs: number, time: Time): Promise<void> {
        for (const [name, runnersPerPlatform] of [
            ["upTwoPods", 2],
            ["upFourPods", 4],
        ] as const) {
            this.project.configure({ podLimits: small, runnersPerPlatform, images: {} });
            await this.up();
            const runners = namedRunners([platform], runnersPerPlatform).map(({ runner }) => runner);
            const input = await this.project.connectScript();
            await this.project.succeed(this.project.run("sh", ["-s", "--", ...runners], { input }));
            this.project.configure({ images: Object.fromEntries(names.map((image) => [image, { context: image }])) });
            for (let run = 1; run <= runs; run++) {
                for (const image of names) {
                    this.project.context(image, [
                        ...fromStep,
                        writes(`${image} ${runnersPerPlatform} ${run}`),
                        `RUN ["/step", "burn", "${work}"]`,
                    ]);
                }
                await time(name, () => this.up());
            }
        }
    }

    private async up(): Promise<void> {
        await this.project.succeed(this.project.up());
    }
}

/** A StatefulSet whose pod only waits, asleep at first. */
function bareSet(image: string): object {
    const labels = { app: "bare" };
    const container = { name: "bare", image, command: ["sleep", "86400"] };
    return {
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "bare" },
        spec: {
            replicas: 0,
            serviceName: "bare",
            selector: { matchLabels: labels },
            template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } },
        },
    };
}
