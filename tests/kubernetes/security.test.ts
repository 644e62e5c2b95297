import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { podPaths } from "../../components/runner/kubernetes/podFiles";
import type { Result } from "../e2e/commands";
import { until } from "../e2e/processes";
import { fromStep, writes } from "../helpers/stepImage";
import { describeWithStack } from "./cluster/describeWithCluster";
import { TestCluster } from "./cluster/testCluster";
import { KubernetesProject } from "./kubernetesProject";

jest.setTimeout(240_000);

const metadata = "169.254.169.254";

describeWithStack("what others can do to a cluster's runners, and they to the cluster", () => {
    let cluster: TestCluster;
    let project: KubernetesProject;
    /** Environment of a CI job: a service account in a group of setting `clientGroups`. */
    let ci: NodeJS.ProcessEnv;

    beforeAll(async () => {
        cluster = await TestCluster.start();
        // In place of the cloud's metadata service: the API server answers there too.
        cluster.inside("kube-apiserver", "ip", "address", "add", `${metadata}/32`, "dev", "lo");
        project = await KubernetesProject.createIn(cluster, "attacked", {
            platforms: ["linux/amd64"],
            runnersPerPlatform: 2,
            idleMinutes: 0,
            clientGroups: ["system:serviceaccounts:ci"],
            refusedCidrs: [`${cluster.address}/32`],
            images: { app: { context: "app" } },
            "kubernetes:context": "test",
        });
        project.context("app", [...fromStep, 'RUN ["/step", "write", "/result", "built"]']);
        await project.init();
        await project.succeed(project.up());
        cluster.kubectl("create", "namespace", "ci");
        cluster.kubectl("--namespace", "ci", "create", "serviceaccount", "job");
        ci = asBearer("ci", cluster.kubectl("--namespace", "ci", "create", "token", "job"));
        await project.succeed(project.run("sh", ["-s"], { input: await project.connectScript(), env: ci }));
    });

    afterAll(() => project?.end());
    afterAll(() => cluster?.end());

    /** The certificate of the API server's authority. */
    function clusterAuthority(): string {
        const { clusters } = parse(readFileSync(cluster.environment.KUBECONFIG ?? "", "utf8"));
        return Buffer.from(clusters[0].cluster["certificate-authority-data"], "base64").toString();
    }

    /** Environment of who has a token, and a home of its own. */
    function asBearer(name: string, token: string): NodeJS.ProcessEnv {
        const config = parse(readFileSync(cluster.environment.KUBECONFIG ?? "", "utf8"));
        const user = config.users[0];
        const file = path.join(project.folder, `${name}.kubeconfig`);
        writeFileSync(file, JSON.stringify({ ...config, users: [{ name: user.name, user: { token: token.trim() } }] }));
        return { KUBECONFIG: file, HOME: path.join(project.folder, name) };
    }

    /** Words of kubectl, about the runners' namespace if they name none. */
    function inNamespace(words: string[]): string[] {
        return words[0] === "--namespace" ? words : ["--namespace", project.namespace, ...words];
    }

    /** A build of nothing but this step, on the first runner, as the CI job. */
    function build(...step: string[]): Promise<Result> {
        project.context("attack", [...fromStep, `RUN ${JSON.stringify(["/step", ...step])}`]);
        const builder = ["--builder", "native-buildx-attacked-amd64", "--progress", "plain", "--no-cache"];
        return project.run("buildx", ["build", ...builder, "--output", "type=cacheonly", "attack"], { env: ci });
    }

    it("lets a CI job of the named group connect and build", async () => {
        await project.succeed(build("write", "/result", "by a job"));
    });

    it.each([
        ["has a context, which no pod knows", "test"],
        ["has none", ""],
    ])("lets a CI job that is a pod of the cluster connect and build, where the stack %s", async (_which, context) => {
        const script = (await project.connectScript()).replace(
            /^kubernetes_context='test'$/m,
            `kubernetes_context='${context}'`,
        );
        const account = path.join(project.folder, "account");
        mkdirSync(account, { recursive: true });
        const files = {
            token: cluster.kubectl("--namespace", "ci", "create", "token", "job").trim(),
            "ca.crt": clusterAuthority(),
            namespace: "ci",
        };
        for (const [name, text] of Object.entries(files)) {
            writeFileSync(path.join(account, name), text);
        }
        project.context("job", [...fromStep, writes("in a pod")]);
        const job = [
            "set -e",
            `mount -t tmpfs tmpfs /run && mkdir -p ${podPaths.serviceAccount}`,
            `mount --bind ${account} ${podPaths.serviceAccount}`,
            "sh -s",
            `buildx build --builder ${project.namespace}-amd64 --output type=cacheonly job`,
        ];
        const { output } = await project.succeed(
            project.run("unshare", ["--mount", "sh", "-c", job.join("\n")], {
                input: script,
                env: {
                    KUBECONFIG: undefined,
                    KUBERNETES_SERVICE_HOST: cluster.address,
                    KUBERNETES_SERVICE_PORT: "443",
                    HOME: path.join(project.folder, `pod-${context}`),
                },
            }),
        );
        expect(output).toMatch(/builder native-buildx-attacked is ready/);
    });

    it("tells a login that may see the runners, and not enter them, what it lacks", async () => {
        const role = ["--verb=get", "--resource=statefulsets,statefulsets/scale,pods"];
        project.kubectl("create", "role", "looker", ...role);
        project.kubectl("create", "serviceaccount", "looker");
        project.kubectl(
            "create",
            "rolebinding",
            "looker",
            "--role=looker",
            `--serviceaccount=${project.namespace}:looker`,
        );
        const env = asBearer("looker", project.kubectl("create", "token", "looker"));
        const { code, output } = await project.run("sh", ["-s"], { input: await project.connectScript(), env });

        expect(output).toMatch(/this login may not use the runners: .*pods\/exec.*clientGroups/);
        expect(code).not.toBe(0);
    });

    it.each<[string, string[]]>([
        ["delete a runner", ["delete", "statefulset", "amd64"]],
        ["change what a runner runs", ["set", "image", "statefulset/amd64", "buildkitd=evil.test/image"]],
        ["delete a cache", ["delete", "persistentvolumeclaim", "cache-amd64"]],
        ["delete a pod", ["delete", "pod", "amd64-0"]],
        ["list pods", ["get", "pods"]],
        ["reach a pod's ports", ["port-forward", "pod/amd64-0", ":8080"]],
        ["read secrets", ["get", "secrets"]],
        ["read a runner's configuration", ["get", "configmaps"]],
        ["become a runner", ["create", "token", "amd64"]],
        ["start pods", ["run", "evil", "--image=evil.test/image"]],
        ["give itself more", ["create", "rolebinding", "evil", "--clusterrole=admin", "--serviceaccount=ci:job"]],
        ["scale what is not a runner", ["--namespace", "default", "scale", "statefulset/other", "--replicas=0"]],
        ["run commands in other pods", ["--namespace", "default", "exec", "other-0", "--", "true"]],
        ["see nodes", ["get", "nodes"]],
    ])("lets a CI job not %s", async (_what, words) => {
        const { code, output } = await project.run("kubectl", inNamespace(words), { env: ci });

        expect(output).toMatch(/forbidden/i);
        expect(code).not.toBe(0);
    });

    it("lets a runner change its own scale, and nothing else", async () => {
        const { library, serviceAccount } = podPaths;
        /** By the runner's own means. */
        const scale = (set: string) => {
            const parts = ["settings", "common", "scale"].map((part) => `. ${library}/${part}.sh`);
            const script = `${parts.join("; ")}; stateful_set=${set}; scale_by '{"spec":{"replicas":1}}'`;
            const words = ["--namespace", project.namespace, "exec", "amd64-0", "--", "sh", "-c", script];
            return project.run("kubectl", words);
        };
        expect(await scale("amd64")).toEqual({ code: 0, output: "1\n" });
        const env = asBearer("runner", project.kubectl("exec", "amd64-0", "--", "cat", `${serviceAccount}/token`));
        const others: string[][] = [
            ["get", "statefulset", "amd64"],
            ["get", "pods"],
            ["get", "secrets"],
            ["exec", "amd64-2-0", "--", "true"],
            ["--namespace", "kube-system", "get", "pods"],
        ];
        const results = await Promise.all([
            scale("amd64-2"),
            ...others.map((words) => project.run("kubectl", inNamespace(words), { env })),
        ]);
        expect(results.filter(({ code, output }) => code === 0 || !/forbidden/i.test(output))).toEqual([]);
    });

    it("keeps build steps from the API server, the metadata service and the other runner, which the pod itself reaches", async () => {
        const input = await project.connectScript();
        await project.succeed(project.run("sh", ["-s", "--", "amd64_2"], { input }));
        const other = project.kubectl("get", "pod", "amd64-2-0", "--output", "jsonpath={.status.podIP}");
        const inPod = (pod: string, command: string) => {
            const words = ["--namespace", project.namespace, "exec", pod, "--", "sh", "-c", command];
            return project.start("kubectl", words);
        };
        const listening = inPod("amd64-2-0", "exec timeout 120 nc -ll -p 8080 -e true");
        const itself = async () => (await inPod("amd64-2-0", "nc 127.0.0.1 8080 </dev/null").done).code === 0;
        await until("the other runner listens", itself);
        const open = ["10.96.0.1:443", `${cluster.address}:443`, `${metadata}:443`];
        for (const address of open) {
            const { code } = await inPod("amd64-0", `openssl s_client -connect ${address} </dev/null`).done;
            expect([address, code]).toEqual([address, 0]);
        }
        const { output } = await project.succeed(
            build("reach", ...open, `${other}:8080`, project.registryUrl.split("/")[0] ?? ""),
        );
        listening.child.kill("SIGKILL");

        expect(output).not.toMatch(/reached (10\.96|169\.254|10\.244)/);
        expect(output).not.toContain(`reached ${cluster.address}:443`);
        expect(output.match(/cannot reach/g)).toHaveLength(4);
        // So that it is not the network as a whole that is closed.
        expect(output).toContain(`reached ${project.registryUrl.split("/")[0]}`);
    });

    it("shows build steps no token", async () => {
        const { code, output } = await build("find", `${podPaths.serviceAccount}/token`, "x");

        expect(code).not.toBe(0);
        expect(output).toMatch(/no such file/);
    });
});
