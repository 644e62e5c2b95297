import { existsSync } from "node:fs";
import { allShells, type ConnectBench, connectBenchForEach } from "./connectBench";

jest.setTimeout(120_000);

describe.each(allShells)("connect to runners whose endpoints take no keys, in %s", (shellName, shell) => {
    const { it, bench: benchOf } = connectBenchForEach(shellName, shell);
    let bench: ConnectBench;
    beforeEach(() => {
        bench = benchOf();
        bench.stubCurl();
    });
    const endpoints = { amd64: "pod://a?namespace=n&context=c", arm64: "pod://b?namespace=n&context=c" };
    const options = { endpoints, isKeyless: true };
    const ready = "builder demo-dev is ready: linux/amd64 linux/arm64\n";
    const record = "home/.docker/buildx/instances/demo-dev";

    it("registers and proves them, and asks for no keys", async () => {
        expect(await bench.connect(options)).toMatchObject({ status: 0, stderr: ready });
        const [create = ""] = bench.buildxCalls("create --name demo-dev-arm64");
        expect(create).toBe(
            "docker buildx create --name demo-dev-arm64 --node demo-dev-arm64 --driver remote --platform linux/arm64 " +
                endpoints.arm64,
        );
        expect(bench.nodesOf("demo-dev")).toEqual({
            "demo-dev-amd64": endpoints.amd64,
            "demo-dev-arm64": endpoints.arm64,
        });
        expect(bench.lines("proved").sort()).toEqual([
            `demo-dev-amd64 ${endpoints.amd64}`,
            `demo-dev-arm64 ${endpoints.arm64}`,
        ]);
        expect(bench.lines("asked")).toEqual([]);
        expect(existsSync(bench.keysFolder("demo-dev-arm64"))).toBe(false);
        // What answers there is known to buildx alone.
        expect(bench.calls.filter((call) => call.startsWith("curl"))).toEqual([]);
    });

    it("leaves the records alone the second time", async () => {
        await bench.connect(options);
        const before = bench.read(record);
        const creates = bench.buildxCalls("create").length;
        expect(await bench.connect(options)).toMatchObject({ status: 0, stderr: ready });
        expect(bench.read(record)).toBe(before);
        expect(bench.buildxCalls("create")).toHaveLength(creates);
    });

    it("takes the keys from the records of a builder whose runners had some before, and gives them back", async () => {
        const optionsOf = () => bench.record("demo-dev").map(({ DriverOpts }) => Object.keys(DriverOpts).length > 0);
        await bench.connect();
        expect(optionsOf()).toEqual([true, true]);
        expect(await bench.connect(options)).toMatchObject({ status: 0, stderr: ready });
        expect(optionsOf()).toEqual([false, false]);
        expect(await bench.connect()).toMatchObject({ status: 0 });
        expect(optionsOf()).toEqual([true, true]);
    });

    it("knows another start by what wake noted, since nothing else is another", async () => {
        bench.write("dead-demo-dev-arm64", "3");
        bench.write("restarts-arm64");
        const { status, stderr } = await bench.connect({ ...options, args: ["linux/arm64"] });
        expect(status).toBe(0);
        expect(stderr.match(/does not serve/g)).toHaveLength(3);
    });

    it("gives up where the same start fails again", async () => {
        bench.write("dead-demo-dev-arm64", "3");
        const { status, stderr } = await bench.connect({ ...options, args: ["linux/arm64"] });
        expect(status).toBe(1);
        expect(stderr).toContain("connect: not ready: linux/arm64\n");
    });
});
