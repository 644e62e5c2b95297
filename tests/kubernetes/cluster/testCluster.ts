import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { commandOf, descendants, until } from "../../e2e/processes";
import { checkout } from "../../helpers/checkout";
import { temporaryFolder } from "../../helpers/temporaryFolder";

/** What tools/kubernetes.sh makes, or would make. */
interface Made {
    /** Folder of the cluster's programs, kubectl among them. */
    programs: string;
    /** Folder of `pulumi-resource-kubernetes`. */
    provider: string;
    /** Folder of the images that nodes have. */
    images: string;
}

function whereMade(): Made {
    const words = execFileSync(path.join(checkout, "tools/kubernetes.sh"), ["--where"], { encoding: "utf8" });
    const [programs = "", provider = "", images = ""] = words.split("\n");
    return { programs, provider, images };
}
const made = whereMade();

/**
 * Why there cannot be a cluster here, if there cannot.
 *
 * @param stack whether a Pulumi stack is to be in it
 */
export function missingForCluster({ stack }: { stack: boolean }): string | undefined {
    const needed = {
        ...(stack ? { "Pulumi's provider for Kubernetes": made.provider } : {}),
        "the programs of a Kubernetes cluster": made.programs,
        "the images of a cluster's nodes": made.images,
        containerd: "/usr/bin/containerd",
        "containernetworking-plugins": "/usr/lib/cni/bridge",
    };
    const absent = Object.entries(needed).flatMap(([what, file]) => (existsSync(file) ? [] : [what]));
    if (absent.length > 0) {
        return `missing: ${absent.join(", ")}; make test-kubernetes makes them`;
    }
    return process.getuid?.() === 0 ? undefined : "not root";
}

/** What starts a cluster in a folder: it serves when file `ready` is there, and ends with its standard input. */
export function clusterCommand(folder: string): { words: [string, ...string[]]; environment: NodeJS.ProcessEnv } {
    const environment = { ...process.env, KUBERNETES_PROGRAMS: made.programs, KUBERNETES_IMAGES: made.images };
    return { words: ["sh", path.join(__dirname, "cluster.sh"), folder], environment };
}

/** What a cluster consists of. */
export type Part =
    | "etcd"
    | "kube-apiserver"
    | "kube-controller-manager"
    | "kube-scheduler"
    | "kubelet-amd64"
    | "kubelet-arm64";

/**
 * A real Kubernetes cluster on this machine: a control plane, and nodes `node-amd64` and `node-arm64`, each with a kubelet
 * and a containerd of its own. See cluster.sh. It ends with this process.
 */
export class TestCluster {
    private constructor(
        readonly folder: string,
        private readonly child: ChildProcess,
        /** What the cluster says of itself. */
        private readonly facts: { [name: string]: string },
    ) {}

    static async start(): Promise<TestCluster> {
        const folder = path.join(temporaryFolder(), "cluster");
        const { words, environment } = clusterCommand(folder);
        const [program, ...rest] = words;
        // Detached: Ctrl-C is for the test, which ends the cluster after its last use.
        const child = spawn(program, rest, { env: environment, stdio: ["pipe", "ignore", "pipe"], detached: true });
        let said = "";
        child.stderr?.on("data", (text) => {
            said += text;
        });
        await until(
            "the cluster serves",
            () => {
                if (child.exitCode !== null) {
                    throw new Error(`the cluster did not start:\n${said}`);
                }
                return existsSync(path.join(folder, "ready"));
            },
            240,
        );
        const lines = readFileSync(path.join(folder, "environment"), "utf8").trim().split("\n");
        const facts = Object.fromEntries(
            lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
        );
        return new TestCluster(folder, child, facts);
    }

    /** Environment of who uses it: KUBECONFIG of an administrator, and kubectl on PATH. */
    get environment(): NodeJS.ProcessEnv {
        return { KUBECONFIG: this.facts.KUBECONFIG, PATH: `${made.programs}:${process.env.PATH}` };
    }

    /** The program of Pulumi's provider for Kubernetes. */
    get provider(): string {
        return path.join(made.provider, "pulumi-resource-kubernetes");
    }

    /** Address of the API server, at port 443, and of the nodes. */
    get address(): string {
        return this.facts.CLUSTER_ADDRESS ?? "";
    }

    /** Address of this machine that pods reach, and nothing else outside of the cluster. */
    get machineAddress(): string {
        return this.facts.MACHINE_ADDRESS ?? "";
    }

    /** BuildKit's image, by digest. */
    get buildkitImage(): string {
        return this.facts.BUILDKIT_IMAGE ?? "";
    }

    /** Files of the authority that BuildKit's image trusts, of registries. */
    get registryAuthority(): { certificate: string; key: string } {
        const file = (name: string) => path.join(made.images, `registry-ca.${name}`);
        return { certificate: file("pem"), key: file("key") };
    }

    /** With a HOME in which kubectl keeps what it found out. */
    private get ownEnvironment(): NodeJS.ProcessEnv {
        return { ...process.env, ...this.environment, HOME: this.folder };
    }

    /** Standard output of kubectl, as an administrator. Throws with what it said. */
    kubectl(...words: string[]): string {
        return execFileSync("kubectl", words, {
            env: this.ownEnvironment,
            encoding: "utf8",
            stdio: ["ignore", "pipe", "pipe"],
        });
    }

    /** Makes or changes objects, as `kubectl apply` does. */
    apply(objects: object[]): void {
        const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
        execFileSync("kubectl", ["apply", "--filename", "-"], {
            env: this.ownEnvironment,
            input,
            stdio: ["pipe", "ignore", "pipe"],
        });
    }

    /** All objects that there are, by kind, namespace and name; without what the cluster notes for itself. */
    everything(): string[] {
        const own = /^(events|leases|endpoints|endpointslices|componentstatuses|controllerrevisions)(\.|$)/;
        const kinds = this.kubectl("api-resources", "--verbs=list", "--output", "name").trim().split("\n");
        const columns = "custom-columns=K:.kind,NS:.metadata.namespace,N:.metadata.name";
        const wanted = kinds.filter((kind) => !own.test(kind)).join(",");
        const found = this.kubectl("get", wanted, "--all-namespaces", "--no-headers", "--output", columns);
        return [...new Set(found.trim().split("\n"))].map((line) => line.replace(/\s+/g, " ")).sort();
    }

    /** A command where a part of the cluster runs: in its network, and among its mounts. */
    inside(part: Part, ...command: string[]): string {
        const words = ["--target", `${this.processOf(part)}`, "--net", "--mount", "--pid", ...command];
        return execFileSync("nsenter", words, { encoding: "utf8" });
    }

    /** Ends a part at once. It is not started again before `restart`. */
    stop(part: Part): void {
        writeFileSync(path.join(this.folder, "off", part), "");
        process.kill(this.processOf(part), "SIGKILL");
    }

    /** Lets a part that was stopped start. It may serve a while later. */
    restart(part: Part): void {
        rmSync(path.join(this.folder, "off", part));
    }

    /** Waits until the API server serves. */
    async serves(): Promise<void> {
        await until("the API server serves", () => {
            try {
                return this.kubectl("get", "--raw=/readyz") === "ok";
            } catch {
                return false;
            }
        });
    }

    /** Id of the process of a part. */
    processOf(part: Part): number {
        const [program, arch] = part.split(/-(?=a...4$)/);
        const command = arch ? `${program} --config=/mnt/cluster/node-${arch}/` : `${program} `;
        const found = descendants(this.child.pid ?? 0).find((pid) => commandOf(pid).startsWith(command));
        if (!found) {
            throw new Error(`no ${part} runs`);
        }
        return found;
    }

    /** Ends the cluster and waits until nothing of it is left. */
    async end(): Promise<void> {
        this.child.stdin?.end();
        await until("the cluster ended", () => this.child.exitCode !== null || this.child.signalCode !== null);
        rmSync(path.dirname(this.folder), { recursive: true, force: true });
    }
}
