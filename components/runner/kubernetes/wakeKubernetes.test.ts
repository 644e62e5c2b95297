import { shells } from "../../../tests/helpers/workbench";
import {
    asleep,
    awake,
    ending,
    lost,
    many,
    notRunning,
    outdated,
    served,
    starting,
    unscheduled,
    unseen,
    waiting,
    wakeKubernetesBenchForEach,
    withoutPod,
} from "./wakeKubernetesBench";

jest.setTimeout(60_000);

describe.each(shells)("wakeKubernetes.sh in %s", (_name, shell) => {
    const bench = wakeKubernetesBenchForEach(shell);

    it("asks an awake runner twice, says nothing, and scales nothing", async () => {
        expect(await bench().wake({ states: [awake] })).toEqual({ ...served, stderr: "" });
        expect(bench().done).toEqual(["exec", "get"]);
        expect(bench().read("notes")).toBe("u1 0 4\n");
    });

    it("scales a sleeping runner to 1, and waits until BuildKit answers", async () => {
        const states = [asleep, withoutPod, starting, awake];
        const result = await bench().wake({ states, knocks: ['pods "arm64-2-0" not found', notRunning, "ok"] });
        expect(result).toMatchObject(served);
        expect(result.stderr).toMatch(/^arm64_2 runner demo-prod\/arm64-2: waking \.\.\.$/m);
        const [scale, ...others] = bench().calls.filter((call) => call.includes(" scale "));
        expect(scale).toContain("--namespace demo-prod scale statefulset/arm64-2 --replicas=1");
        expect(others).toEqual([]);
    });

    it.each([
        ["the cluster has not seen that it was scaled up", unseen],
        ["its pod is being ended", ending],
        ["its pod is of a configuration that was changed", outdated],
    ])("does not take a runner that answers while %s", async (_what, before) => {
        const result = await bench().wake({ states: [before, before, before, awake] });
        expect(result).toMatchObject(served);
        expect(bench().done.filter((verb) => verb === "get").length).toBeGreaterThanOrEqual(4);
        expect(result.stderr).not.toBe("");
    });

    it("waits for a node whose kubelet has just started, and knows no pods yet", async () => {
        const knocks = ["error: unable to upgrade connection: pod does not exist", "ok"];
        expect(await bench().wake({ states: [awake], knocks })).toMatchObject(served);
    });

    it("scales a runner back to 1 that somebody has scaled to more, whose pods would fight for one cache", async () => {
        const { stderr, ...result } = await bench().wake({ states: [many, awake] });
        expect(result).toEqual(served);
        expect(stderr).toMatch(/: somebody has scaled it to 6, .*: scaling it back to 1 \.\.\.\n$/);
        expect(bench().calls.filter((call) => call.endsWith(" scale statefulset/arm64-2 --replicas=1"))).toHaveLength(
            1,
        );
    });

    it("does not tell of a pod that was made between the knock and the look that there is none", async () => {
        const knocks = ['Error from server (NotFound): pods "arm64-2-0" not found', "ok"];
        expect(await bench().wake({ states: [awake], knocks })).toEqual({ ...served, stderr: "" });
    });

    it("wakes a runner again that has fallen asleep between the knock and the look", async () => {
        const states = [awake, asleep, awake];
        expect(await bench().wake({ states, knocks: [notRunning, "ok"] })).toMatchObject(served);
        expect(bench().done.filter((verb) => verb === "scale")).toHaveLength(1);
    });

    it("goes by the context that the stack has, for kubectl and for buildx", async () => {
        const context = "arn:aws:eks:eu-central-1:123456789012:cluster/ci";
        const { stdout } = await bench().wake({ states: [awake], context });
        expect(stdout).toBe(`kube-pod://arm64-2-0?namespace=demo-prod&context=${context}\n`);
        const calls = bench().calls.filter((call) => call.startsWith("kubectl"));
        expect(calls.every((call) => call.startsWith(`kubectl --context ${context} --namespace`))).toBe(true);
    });

    it.each<[string, string[], string]>([
        ["goes by the pod's own login in a pod of the cluster, whatever context the stack has", [], ""],
        ["goes by the context in a pod whose caller has a kubeconfig", ["other"], "ci"],
    ])("%s", async (_what, contexts, context) => {
        const env = { KUBERNETES_SERVICE_HOST: "10.96.0.1" };
        const { stdout } = await bench().wake({ states: [awake], context: "ci", contexts, env });
        expect(stdout).toBe(`kube-pod://arm64-2-0?namespace=demo-prod${context && `&context=${context}`}\n`);
        const asked = bench().calls.filter((call) => / (exec|get) /.test(call));
        expect(asked).toHaveLength(2);
        const words = `kubectl${context && ` --context ${context}`} --namespace demo-prod `;
        expect(asked.filter((call) => !call.startsWith(words))).toEqual([]);
    });

    it("makes no call with a request timeout, with which kubectl knows no cluster in a pod", async () => {
        await bench().wake({ states: [asleep, withoutPod, starting, awake], knocks: [notRunning, "ok"] });
        expect(bench().calls.filter((call) => call.includes("timeout"))).toEqual([]);
    });

    it("ends a knock that nobody answers, says so, and gives up when its time is over", async () => {
        bench().write("second", "0.05");
        const { status, stderr } = await bench().wake({ states: [awake], knocks: ["hangs"], timeout: 0 });
        expect(status).toBe(1);
        const words = "running, waiting until BuildKit answers: no answer within 15 s";
        expect(stderr).toContain(`arm64_2 runner demo-prod/arm64-2: ${words} ...\n`);
        expect(stderr).toMatch(new RegExp(`does not serve after \\d+ s: ${words}\\. See: `));
    });

    it("passes on what a program that logs in, and waits for somebody, has said", async () => {
        bench().write("second", "0.05");
        const code = "To sign in, open https://login.example and enter the code ABC";
        const { status, stderr } = await bench().wake({ states: [`error:hangs:${code}`], patience: 0 });
        expect(status).toBe(1);
        expect(stderr).toContain(`the cluster cannot be asked: no answer within 15 s; it said: ${code}\n`);
    });

    it.each(["Error from server (Forbidden): pods", "error: unable to upgrade connection: pods"])(
        "says at once where a login may not enter the pod: %s ...",
        async (before) => {
            const forbidden = `${before} "arm64-2-0" is forbidden: cannot create "pods/exec"`;
            const { status, stderr } = await bench().wake({ states: [awake], knocks: [forbidden] });
            expect(status).toBe(1);
            expect(stderr).toContain(`this login may not use the runners: ${forbidden}. Bind Role clients`);
            expect(bench().done).toEqual(["exec", "get"]);
        },
    );

    it("tells of BuildKit's own silence in the end only: it starts, as a rule", async () => {
        const silent = "error: failed to list workers: no such file";
        bench().stub("buildctl");
        const knocks = [`${silent};command terminated with exit code 1`];
        const { stderr } = await bench().wake({ states: [awake], knocks, timeout: 0 });
        const words = "running, waiting until BuildKit answers";
        expect(stderr).toContain(`: ${words} ...\n`);
        expect(stderr).toContain(` s: ${words}: ${silent}. See: `);
    });

    it("waits for a pod that finishes its builds as long as these take, and then as long as for any", async () => {
        bench().ticking(100);
        const states = [...Array<string>(12).fill(ending), withoutPod, starting, awake];
        const { stderr, ...result } = await bench().wake({ states, knocks: [notRunning, "ok"], timeout: 1500 });
        expect(result).toEqual(served);
        expect(stderr).toContain("its pod is being ended after the builds that run, the next follows ...\n");
    });

    it("gives up waiting for the end of a pod whose node is gone", async () => {
        bench().ticking(100);
        const { status, stderr } = await bench().wake({ states: [lost], knocks: [notRunning], timeout: 500 });
        expect(status).toBe(1);
        expect(stderr).toMatch(/does not serve after \d+ s: its pod is being ended/);
    });

    it("says what makes a claim again that somebody deleted", async () => {
        const states = [unscheduled('0/2 nodes are available: persistentvolumeclaim \\"cache-arm64-2\\" not found.')];
        const { status, stderr } = await bench().wake({ states, knocks: [notRunning], patience: 0 });
        expect(status).toBe(1);
        expect(stderr).toMatch(
            /cannot start: its cache's claim is gone: .*"cache-arm64-2" not found\.\. If .*: pulumi up --refresh makes/,
        );
    });

    it("gives up where trying again is in vain, with the cluster's words", async () => {
        const states = [waiting("ImagePullBackOff", "manifest unknown")];
        const { status, stdout, stderr } = await bench().wake({ states, knocks: [notRunning], patience: 0 });
        expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
        expect(stderr).toContain("cannot start: ImagePullBackOff: manifest unknown\n");
    });

    it("lets what cannot start keep no node, and says so", async () => {
        const failing = waiting("ImagePullBackOff", "manifest unknown");
        const scene = { states: [asleep, failing], knocks: [notRunning], patience: 0 };
        const { stderr } = await bench().wake(scene);
        expect(stderr).toMatch(/cannot start: .*\n.*: scaled to 0 again, so that it keeps no node\n$/);
        const scaled = bench().calls.flatMap((call) => /--replicas=\d/.exec(call) ?? []);
        expect(scaled).toEqual(["--replicas=1", "--replicas=0"]);
        const { stderr: refused } = await bench().wake({ ...scene, states: [failing], scales: ["no route"] });
        expect(refused).toMatch(/: cannot be scaled to 0 again, and keeps its node: no route\n$/);
    });

    it("does not count the trouble of a pod that was replaced", async () => {
        bench().ticking(60);
        const failing = waiting("ErrImagePull", "unknown");
        const states = [failing, failing, failing.replace("uid=u1", "uid=u2"), awake];
        const result = await bench().wake({ states, knocks: [notRunning, "ok"], patience: 90, timeout: 1000 });
        expect(result).toMatchObject(served);
    });

    it("gives up when its time is over, and says what to look at", async () => {
        const { status, stderr } = await bench().wake({
            states: [unscheduled("none")],
            knocks: [notRunning],
            timeout: 0,
        });
        expect(status).toBe(1);
        expect(stderr).toMatch(
            /does not serve after \d+ s: no node for its pod yet: none\. See: kubectl --namespace demo-prod describe pod arm64-2-0$/m,
        );
    });

    it("waits for a cluster that does not answer for a time", async () => {
        const gone = "error:The connection to the server 10.0.0.1:6443 was refused";
        const result = await bench().wake({ states: [gone, gone, awake] });
        expect(result).toMatchObject(served);
        expect(result.stderr.match(/does not answer, trying again: The connection/g)).toHaveLength(1);
        const { status, stderr } = await bench().wake({ states: [gone], patience: 0 });
        expect(status).toBe(1);
        expect(stderr).toContain("the cluster cannot be asked: The connection to the server 10.0.0.1:6443 was refused");
    });

    it.each([
        [
            "is forbidden",
            'Error from server (Forbidden): statefulsets.apps "arm64-2" is forbidden',
            "this login may not use the runners: Error from server (Forbidden)",
        ],
        [
            "has expired",
            "error: You must be logged in to the server (Unauthorized)",
            "kubectl cannot log in to the cluster: error: You must be",
        ],
        [
            "has no such context",
            'error: context "prod" does not exist',
            'kubectl cannot log in to the cluster: error: context "prod" does not exist',
        ],
        [
            "is unknown",
            "The connection to the server localhost:8080 was refused",
            "kubectl knows no cluster. Set KUBECONFIG",
        ],
    ])("says at once where a login %s", async (_what, error, message) => {
        const { status, stderr } = await bench().wake({ states: [`error:${error}`] });
        expect(status).toBe(1);
        expect(stderr).toContain(message);
        expect(bench().done.filter((verb) => verb === "get")).toHaveLength(1);
    });

    it("says at once that it may not scale", async () => {
        const { status, stderr } = await bench().wake({
            states: [asleep],
            scales: ['Error from server (Forbidden): cannot patch resource "statefulsets/scale"'],
        });
        expect(status).toBe(1);
        expect(stderr).toMatch(
            /may not use the runners: .*Bind Role clients of namespace demo-prod to it, or name its group in setting clientGroups/,
        );
    });

    it("says that its StatefulSet is gone, and what makes a new one", async () => {
        const { status, stderr } = await bench().wake({ states: [""] });
        expect(status).toBe(1);
        expect(stderr).toContain(
            "StatefulSet arm64-2 does not exist in namespace demo-prod. If somebody deleted it: pulumi up --refresh",
        );
    });

    it("says that kubectl is missing", async () => {
        const { status, stderr } = await bench().run([
            ...shell,
            "-c",
            `. '${__dirname}/wakeKubernetes.sh'; PATH=/nowhere; stateful_set_arm64=arm64 kubernetes_namespace=n; wake_kubernetes arm64`,
        ]);
        expect(status).toBe(1);
        expect(stderr).toContain(
            "arm64 runner n/arm64: kubectl is needed to wake it and was not found. Install it: https://",
        );
    });
});
