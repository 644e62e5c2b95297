import { existsSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { allShells, type ConnectBench, connectBenchForEach } from "./connectBench";

jest.setTimeout(60_000);

describe.each(allShells)("the buildx that connect uses, in %s", (shellName, shell) => {
    const { it, bench: benchOf } = connectBenchForEach(shellName, shell);
    let bench: ConnectBench;
    beforeEach(() => {
        bench = benchOf();
    });
    const both = { "demo-dev-amd64": "tcp://a:1", "demo-dev-arm64": "tcp://b:1" };
    const ready = "builder demo-dev is ready: linux/amd64 linux/arm64\n";
    const order = (file: string) => bench.write(file);

    it("says that it needs buildx, and where it is", async () => {
        rmSync(bench.path("bin/docker"));
        const stderr =
            "connect: docker buildx is needed and was not found. Install Docker's buildx plugin: https://docs.docker.com/go/buildx/\n";
        expect(await bench.connect()).toMatchObject({ status: 1, stderr });
        bench.stub("docker", "echo \"docker: 'buildx' is not a docker command.\" >&2; exit 1");
        expect(await bench.connect()).toMatchObject({ status: 1, stderr });
        expect(bench.lines("woken")).toEqual([]);
    });

    it("makes do with buildx alone", async () => {
        rmSync(bench.path("bin/docker"));
        bench.stubBuildx();
        expect(await bench.connect()).toMatchObject({ status: 0 });
        expect(bench.nodesOf("demo-dev")).toEqual(both);
        expect(existsSync(bench.path("home/.docker/cli-plugins"))).toBe(false);
    });

    it("uses the buildx that it is given, and asks docker for none", async () => {
        bench.stubBuildx();
        const file = bench.path("home/a buildx");
        renameSync(bench.path("bin/buildx"), file);
        writeFileSync(bench.path("calls"), "");
        expect(await bench.connect({ args: ["--buildx", file, "linux/arm64"] })).toMatchObject({ status: 0 });
        expect(bench.nodesOf("demo-dev")).toEqual({ "demo-dev-arm64": "tcp://b:1" });
        expect(bench.calls.filter((call) => call.startsWith("docker"))).toEqual([]);
        expect((await bench.connect({ args: ["--buildx"] })).stderr).toMatch(/^usage: /);
    });

    it("uses buildx alone where docker is podman, which answers for a buildx that it does not have", async () => {
        bench.stub("docker", `[ "$2" != version ] || { echo buildah 1.39.3; exit; }; echo unrecognized >&2; exit 125`);
        bench.stubBuildx();
        expect(await bench.connect()).toMatchObject({ status: 0, stderr: ready });
        expect(existsSync(bench.path("home/.docker/cli-plugins"))).toBe(false);
    });

    it("links buildx for a docker that has no such plugin", async () => {
        order("no-plugin");
        bench.stubBuildx();
        const { status, stderr } = await bench.connect();
        expect(status).toBe(0);
        expect(stderr).toMatch(/^docker had no buildx plugin: linked \S+\/bin\/buildx into \S+\/cli-plugins\n/);
        const plugin = statSync(bench.path("home/.docker/cli-plugins/docker-buildx"));
        expect(plugin.ino).toBe(statSync(bench.path("bin/buildx")).ino);
    });

    it("passes nothing to buildx that is meant for docker's own daemon, another builder, or others' builds", async () => {
        const env = {
            BUILDX_BUILDER: "elsewhere",
            BUILDKIT_HOST: "tcp://elsewhere:1",
            DOCKER_HOST: "tcp://docker:2376",
            DOCKER_TLS_VERIFY: "1",
            DOCKER_CERT_PATH: "/certs/client",
            DOCKER_CONTEXT: "gone",
            OTEL_TRACES_EXPORTER: "console",
            EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: "/nowhere",
            SOURCE_DATE_EPOCH: "abc",
        };
        expect(await bench.connect({ env })).toMatchObject({ status: 0, stderr: ready });
        expect(bench.lines("led-astray")).toEqual([]);
    });
});
