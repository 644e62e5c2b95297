import { mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { allShells, type ConnectBench, connectBenchForEach } from "./connectBench";

jest.setTimeout(120_000);

describe.each(allShells)("the builders' records that connect keeps, in %s", (shellName, shell) => {
    const { it, bench: benchOf } = connectBenchForEach(shellName, shell);
    let bench: ConnectBench;
    beforeEach(() => {
        bench = benchOf();
    });
    const both = { "demo-dev-amd64": "tcp://a:1", "demo-dev-arm64": "tcp://b:1" };
    const ready = "builder demo-dev is ready: linux/amd64 linux/arm64\n";
    const args = ["linux/arm64"];
    const record = "home/.docker/buildx/instances/demo-dev";

    it("have platform, keys and the certificate's name, quoted as buildx reads them", async () => {
        await bench.connect({ args });
        expect(bench.buildxCalls("create")).toHaveLength(2);
        const [create = ""] = bench.buildxCalls("create");
        const [fingerprint] = readdirSync(bench.keysFolder("demo-dev-arm64"));
        const folder = bench.keysFolder("demo-dev-arm64", fingerprint ?? "");
        expect(create).toBe(
            "docker buildx create --name demo-dev-arm64 --node demo-dev-arm64 --driver remote --platform linux/arm64 " +
                `--driver-opt "cacert=${folder}/ca.pem","cert=${folder}/cert.pem","key=${folder}/key.pem",` +
                "servername=arm64.example tcp://b:1",
        );
    });

    it("keep the other platform's node when one is asked for", async () => {
        await bench.connect();
        await bench.connect({ args, endpoints: { amd64: "tcp://a:2", arm64: "tcp://b:2" } });
        expect(bench.nodesOf("demo-dev")).toEqual({ "demo-dev-amd64": "tcp://a:1", "demo-dev-arm64": "tcp://b:2" });
    });

    it("are the same after a second time, and nothing is left behind", async () => {
        await bench.connect();
        const before = bench.read(record);
        expect(await bench.connect()).toMatchObject({ status: 0, stderr: ready });
        expect(bench.read(record)).toBe(before);
        expect(bench.buildxCalls("rm")).toEqual([]);
        expect(readdirSync(bench.path("tmp"))).toEqual([]);
    });

    it("are not waited for while buildx asks a node that is asleep, and that nobody asked for", async () => {
        await bench.connect();
        bench.write("silent-a");
        // Without an end to its question, buildx would go on for ten minutes.
        expect(await bench.connect({ args, endpoints: { amd64: "tcp://c:1", arm64: "tcp://b:2" } })).toMatchObject({
            status: 0,
            stderr: "builder demo-dev is ready: linux/arm64 only\n",
        });
        expect(bench.lines("waits")).toEqual(["demo-dev"]);
        expect(bench.nodesOf("demo-dev")).toEqual({ "demo-dev-amd64": "tcp://a:1", "demo-dev-arm64": "tcp://b:2" });
    });

    it("lose a node that the stack does not have any more, and keep the others", async () => {
        await bench.connect();
        bench.write("home/.docker/buildx/nodes/demo-dev/demo-dev-riscv64", "tcp://c:1");
        bench.write("home/.docker/buildx/nodes/demo-dev.demo-dev-riscv64", '"DriverOpts":{}');
        writeFileSync(
            bench.path(record),
            bench.read(record).replace('],"Dynamic"', ',{"Name":"demo-dev-riscv64","Endpoint":"tcp://c:1"}],"Dynamic"'),
        );
        expect(await bench.connect()).toMatchObject({ status: 0 });
        expect(bench.buildxCalls("rm")).toEqual([]);
        expect(bench.nodesOf("demo-dev")).toEqual(both);
    });

    it("lose it also where a runner has its address now", async () => {
        await bench.connect({ endpoints: { amd64: "tcp://a:1", arm64: "tcp://c:1" }, runners: ["amd64", "arm64_2"] });
        expect(bench.nodesOf("demo-dev")).toEqual({ "demo-dev-amd64": "tcp://a:1", "demo-dev-arm64_2": "tcp://c:12" });
        const endpoints = { amd64: "tcp://a:1", arm64: "tcp://c:12" };
        expect(await bench.connect({ endpoints })).toMatchObject({ status: 0, stderr: ready });
        expect(bench.buildxCalls("rm")).toEqual([]);
        expect(bench.nodesOf("demo-dev")).toEqual({ "demo-dev-amd64": "tcp://a:1", "demo-dev-arm64": "tcp://c:12" });
    });

    it("name the keys' folder where it is now, when its home has moved", async () => {
        await bench.connect();
        renameSync(bench.path("home/.docker"), bench.path("home/moved"));
        const env = { DOCKER_CONFIG: bench.path("home/moved") };
        for (const written of [4, 0]) {
            bench.write("calls");
            expect(await bench.connect({ env })).toMatchObject({ status: 0, stderr: ready });
            expect(bench.buildxCalls("create")).toHaveLength(written);
            for (const builder of ["demo-dev", "demo-dev-amd64", "demo-dev-arm64"]) {
                const text = bench.read(`home/moved/buildx/instances/${builder}`);
                expect(text).toContain(`"cacert":"${bench.path("home/moved/buildx/native-buildx/demo-dev/")}`);
                expect(text).not.toContain("/.docker/");
            }
        }
    });

    it.each([
        ["a platform's builder", "demo-dev-arm64"],
        ["the builder of all", "demo-dev"],
    ])("of %s go, when it is somebody's of another driver, and are made anew", async (_which, builder) => {
        bench.write(`refuse-${builder}`);
        expect(await bench.connect({ args })).toMatchObject({ status: 0 });
        expect(bench.buildxCalls("rm")).toEqual([`docker buildx rm --keep-state --keep-daemon ${builder}`]);
        expect(bench.nodesOf(builder)).toEqual({ "demo-dev-arm64": "tcp://b:1" });
    });

    it.each([
        ["empty", ""],
        ["cut in a name", '{"Name":"demo-dev","Driver":"rem'],
        ["cut after a node", '{"Name":"demo-dev","Driver":"remote","Nodes":[{"Name":"x","Endpoint":"tcp://a:1"}'],
    ])("are made anew when one is %s", async (_how, text) => {
        await bench.connect();
        writeFileSync(bench.path(record), text);
        expect(await bench.connect()).toMatchObject({ status: 0, stderr: ready });
        expect(bench.nodesOf("demo-dev")).toEqual(both);
    });

    it("cope with runners that changed addresses with one another", async () => {
        await bench.connect();
        const endpoints = { amd64: "tcp://b:1", arm64: "tcp://a:1" };
        expect(await bench.connect({ endpoints })).toMatchObject({ status: 0 });
        expect(bench.nodesOf("demo-dev")).toEqual({ "demo-dev-amd64": "tcp://b:1", "demo-dev-arm64": "tcp://a:1" });
    });

    it("have both platforms of a runner that builds two", async () => {
        const keys = ["CERTIFICATE", "CERTIFICATE", "PRIVATE KEY"].map(
            (what) => `-----BEGIN ${what}-----\nBODY\n-----END ${what}-----\n`,
        );
        bench.write("keys-amd64", keys.join(""));
        bench.write("keys-arm64", keys.join(""));
        const endpoints = { amd64: "tcp://a:1", arm64: "tcp://a:1" };
        for (let time = 1; time <= 2; time++) {
            expect(await bench.connect({ endpoints })).toMatchObject({ status: 0, stderr: ready });
            // To buildx they are two endpoints, to the network one.
            expect(bench.nodesOf("demo-dev")).toEqual({
                "demo-dev-amd64": "tcp://a:1",
                "demo-dev-arm64": "tcp://a:01",
            });
        }
    });

    it("are in lower case, as buildx writes them, whatever the stack is called", async () => {
        expect(await bench.connect({ builder: "Demo-DEV" })).toMatchObject({ status: 0, stderr: ready });
        expect(bench.nodesOf("demo-dev")).toEqual(both);
    });

    it("say what buildx said when it refuses for good", async () => {
        bench.write("refuse-always");
        expect(await bench.connect()).toMatchObject({
            status: 1,
            stderr: "connect: buildx create: ERROR: no space left\n",
        });
        expect(readdirSync(bench.path("tmp"))).toEqual([]);
    });

    it("keep two stacks of one machine apart", async () => {
        await Promise.all([bench.connect(), bench.connect({ builder: "demo-other" })]);
        expect(bench.nodesOf("demo-dev")).toEqual(both);
        expect(bench.nodesOf("demo-other")).toEqual({
            "demo-other-amd64": "tcp://a:1",
            "demo-other-arm64": "tcp://b:1",
        });
    });

    it("are right after fifty connects at once, and none of those fails", async () => {
        mkdirSync(bench.path("home/.docker/buildx/instances"), { recursive: true });
        writeFileSync(bench.path(record), "");
        const results = await Promise.all(
            Array.from({ length: 50 }, (_, at) => bench.connect(at % 3 === 0 ? { args } : {})),
        );
        expect(results.filter(({ status }) => status !== 0)).toEqual([]);
        expect(bench.nodesOf("demo-dev")).toEqual(both);
        expect(bench.nodesOf("demo-dev-arm64")).toEqual({ "demo-dev-arm64": "tcp://b:1" });
        expect(readdirSync(bench.path("tmp"))).toEqual([]);
    });
});
