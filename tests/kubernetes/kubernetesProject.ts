import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { stackNameOf } from "../../components/stackName";
import { Project } from "../e2e/project";
import { tools } from "../helpers/checkout";
import { Registry } from "../helpers/registry";
import { type Arch, fromStep, writes } from "../helpers/stepImage";
import type { TestCluster } from "./cluster/testCluster";

/** A stack whose runners are in a test's cluster, and whose registry is on this machine. */
export class KubernetesProject extends Project {
    private registry: Registry | undefined;
    private script: string | undefined;

    private constructor(
        readonly cluster: TestCluster,
        stack: string,
        settings: { [name: string]: unknown },
    ) {
        super(stack, settings, {});
    }

    static async createIn(
        cluster: TestCluster,
        stack: string,
        settings: { [name: string]: unknown } = {},
    ): Promise<KubernetesProject> {
        const project = new KubernetesProject(cluster, stack, {
            runners: "kubernetes",
            registry: "generic",
            buildkitImage: cluster.buildkitImage,
            podRequests: { cpu: "100m", memory: "128Mi" },
            ...settings,
        });
        await project.startRegistry();
        project.installProvider();
        project.configure({ registryUrl: project.registryUrl });
        return project;
    }

    /** What images are pushed under. */
    get registryUrl(): string {
        return `${this.registry?.address}/team`;
    }

    /** A registry as a public one is to the cluster: pods reach it, and trust its certificate. */
    private async startRegistry(): Promise<void> {
        const { machineAddress: host, registryAuthority } = this.cluster;
        const tls = {
            certificate: path.join(this.folder, "registry.pem"),
            key: path.join(this.folder, "registry.key"),
        };
        writeFileSync(path.join(this.folder, "names"), `subjectAltName = IP:${host}\n`);
        const script = `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=registry -keyout "$1" |
            openssl x509 -req -CA "$3" -CAkey "$4" -set_serial "$$" -days 2 -extfile names -out "$2"`;
        const { certificate, key } = registryAuthority;
        const words = ["-c", script, "sh", tls.key, tls.certificate, certificate, key];
        execFileSync("sh", words, { cwd: this.folder, stdio: ["ignore", "pipe", "ignore"] });
        this.registry = await Registry.startAt({ host, tls }, this.folder, "registry");
        // Where SSL_CERT_DIR leads.
        mkdirSync(path.join(this.machine.home, "trust"), { recursive: true });
        copyFileSync(certificate, path.join(this.machine.home, "trust/registries.pem"));
    }

    /** As `pulumi plugin install` does. */
    private installProvider(): void {
        const { version } = require("@pulumi/kubernetes/package.json") as { version: string };
        const folder = path.join(this.pulumiHome, `plugins/resource-kubernetes-v${version}`);
        mkdirSync(folder, { recursive: true });
        symlinkSync(this.cluster.provider, path.join(folder, "pulumi-resource-kubernetes"));
    }

    private get pulumiHome(): string {
        return path.join(this.folder, "pulumi");
    }

    override get environment(): NodeJS.ProcessEnv {
        const { environment } = this.cluster;
        return {
            ...super.environment,
            ...environment,
            PATH: `${tools}:${environment.PATH}`,
            PULUMI_HOME: this.pulumiHome,
        };
    }

    /** Namespace of the runners. */
    get namespace(): string {
        return stackNameOf(this.name, this.stack);
    }

    /** What kubectl says about objects of the runners' namespace. */
    kubectl(...words: string[]): string {
        return this.cluster.kubectl("--namespace", this.namespace, ...words);
    }

    /** Replicas that a runner should have, and pods of it that there are: `1/1`, `0/0`, or in between. */
    override async state(arch: Arch): Promise<string> {
        const wanted = this.kubectl("get", "statefulset", arch, "--output", "jsonpath={.spec.replicas}");
        const pods = this.kubectl(
            "get",
            "pods",
            "--selector",
            `app.kubernetes.io/instance=${arch}`,
            "--output",
            "name",
        );
        return `${wanted}/${pods.split("\n").filter(Boolean).length}`;
    }

    /** What a person or a CI job does, on a machine (a HOME) of its own: connects, and builds. Resolves to what connect said. */
    async connectAndBuild(machine: string, arch: Arch, more: NodeJS.ProcessEnv = {}): Promise<string> {
        const env = { ...more, HOME: path.join(this.folder, machine) };
        mkdirSync(env.HOME, { recursive: true });
        this.script ??= await this.connectScript();
        const { output } = await this.succeed(
            this.run("sh", ["-s", "--", `linux/${arch}`], { input: this.script, env }),
        );
        // Of its own: another one may be read while it is written.
        const context = this.context(`${machine}-context`, [...fromStep, writes("nothing")]);
        const builder = ["--builder", `${this.namespace}-${arch}`, "--provenance=false"];
        const words = ["build", ...builder, "--output", "type=cacheonly", context];
        await this.succeed(this.run("buildx", words, { env }));
        return output;
    }

    override async end(): Promise<void> {
        await this.registry?.end();
        await super.end();
    }
}
