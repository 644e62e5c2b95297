import { execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import * as path from "node:path";
import { descendants, until } from "../../e2e/processes";
import { temporaryFolder } from "../../helpers/temporaryFolder";
import { describeWithCluster } from "./describeWithCluster";
import { clusterCommand, TestCluster } from "./testCluster";

jest.setTimeout(300_000);

/** What clusters have on this machine outside of their folders. */
function traces(): string[] {
    const links = execFileSync("ip", ["-brief", "link"], { encoding: "utf8" }).split("\n");
    const hierarchies = readdirSync("/sys/fs/cgroup").map((name) => path.join("/sys/fs/cgroup", name));
    const groups = hierarchies
        .filter((folder) => existsSync(path.join(folder, "cgroup.procs")))
        .flatMap((folder) => readdirSync(folder));
    return [...new Set([...links, ...readdirSync("/sys/fs/cgroup"), ...groups])].filter((line) =>
        line.startsWith("nbx-k8s-"),
    );
}

describeWithCluster("a cluster for tests", () => {
    it("has a node for each architecture, and runs a pod with a volume there that reaches the API server", async () => {
        const cluster = await TestCluster.start();
        try {
            const columns = "custom-columns=N:.metadata.name,A:.metadata.labels.kubernetes\\.io/arch";
            const nodes = cluster.kubectl("get", "nodes", "--no-headers", "-o", columns).trim().split(/\s+/);
            expect(nodes).toEqual(["node-amd64", "amd64", "node-arm64", "arm64"]);
            cluster.apply(podsOn(cluster, "amd64", "arm64"));
            for (const arch of ["amd64", "arm64"]) {
                cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", `pod/${arch}`, "--timeout=60s");
                expect(cluster.kubectl("logs", arch)).toBe("API server: open\nwritten\n");
            }
        } finally {
            await cluster.end();
        }
        expect(existsSync(path.dirname(cluster.folder))).toBe(false);
    });

    it("ends with the process that started it, however that ends, and leaves nothing", async () => {
        const before = traces();
        const folder = path.join(temporaryFolder(), "cluster");
        const { words, environment } = clusterCommand(folder);
        const script = `const { spawn } = require("child_process"), [program, ...words] = process.argv.slice(1);
            spawn(program, words, { detached: true, stdio: ["pipe", "ignore", "pipe"] });
            setInterval(() => {}, 1000);`;
        const owner = spawn(process.execPath, ["-e", script, ...words], { env: environment, stdio: "ignore" });
        await until("the cluster serves", () => existsSync(path.join(folder, "ready")), 240);
        const processes = descendants(owner.pid ?? 0);
        expect(processes.length).toBeGreaterThan(10);
        expect(traces().length).toBeGreaterThan(before.length);
        owner.kill("SIGKILL");
        await until(
            "all of it is gone",
            () =>
                !existsSync(folder) &&
                traces().every((trace) => before.includes(trace)) &&
                !processes.some((pid) => existsSync(`/proc/${pid}`)),
        );
        rmSync(path.dirname(folder), { recursive: true });
    });
});

function podsOn(cluster: TestCluster, ...archs: string[]): object[] {
    const script =
        'openssl s_client -connect "$KUBERNETES_SERVICE_HOST:443" </dev/null >/dev/null 2>&1 && echo "API server: open"; ' +
        "echo written >/cache/file && cat /cache/file";
    return archs.flatMap((arch) => [
        {
            apiVersion: "v1",
            kind: "PersistentVolumeClaim",
            metadata: { name: arch },
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
        },
        {
            apiVersion: "v1",
            kind: "Pod",
            metadata: { name: arch },
            spec: {
                restartPolicy: "Never",
                nodeSelector: { "kubernetes.io/arch": arch },
                volumes: [{ name: "cache", persistentVolumeClaim: { claimName: arch } }],
                containers: [
                    {
                        name: "main",
                        image: cluster.buildkitImage,
                        command: ["sh", "-c", script],
                        volumeMounts: [{ name: "cache", mountPath: "/cache" }],
                    },
                ],
            },
        },
    ]);
}
