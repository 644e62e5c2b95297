import { createHash } from "node:crypto";
import { chmodSync, existsSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { shells } from "../../../../tests/helpers/workbench";
import { bootstrapSettings, RunnerBench } from "./runnerBench";

describe.each(shells)("compile-cluster.sh in %s", (_name, shell) => {
    let bench: RunnerBench;
    afterEach(() => bench.dispose());

    beforeEach(() => {
        bench = new RunnerBench(shell);
        bench.stub("apt-get");
        bench.stub("gcc");
        bench.stub("sleep", "exit 1");
        bench.stub("id", '[ -e "$bench/users/$1" ]');
        bench.stub("useradd", 'for user; do :; done; mkdir -p "$bench/users"; : >"$bench/users/$user"');
        bench.stub("iptables", 'case " $* " in *" -C "*) exit 1 ;; esac');
        bench.stub("ip6tables", 'case " $* " in *" -C "*) exit 1 ;; esac');
        bench.stub("ip", "echo '169.254.169.254 via 10.0.0.1 dev ens5 src 10.0.0.9 uid 0'");
        // As the engine's scripts; the recipe puts them in their place.
        bench.stub(
            "makeCluster.sh",
            '[ ! -e "$bench/broken" ] || { echo "no gcc"; exit 1; }; mkdir -p "$1/compile-cluster"; : >"$1/compile-cluster/recipe"',
        );
        bench.stub("cluster.sh", 'env | grep ^CLUSTER_ | sort >"$bench/node"');
        const recipe = `mkdir '${bench.path("recipe")}' && cp '${bench.path("bin")}'/*.sh '${bench.path("recipe")}'`;
        bench.write("parameters/recipe-1", gzipSync(recipe).toString("base64"));
        bench.write("parameters/members", "amd64 10.0.0.9,arm64 10.0.0.12");
        bench.stubParameters();
        const cluster = {
            name: "demo-prod",
            originals: ["x86_64", "aarch64"],
            helpers: ["x86_64"],
            membersParameter: "/demo/prod/compile-cluster/members",
            recipeParameters: ["/demo/prod/compile-cluster/recipe-1"],
            recipeSha256: createHash("sha256").update(recipe).digest("hex"),
        };
        const folders = { cluster_folder: bench.path("state"), cluster_recipe: bench.path("recipe") };
        bench.layOut(folders, { ...bootstrapSettings, cluster });
        bench.write("tls/key.pem");
        chmodSync(bench.path("lib/compile-cluster.sh"), 0o755);
    });

    const called = (command: string) => bench.calls.filter((call) => call.startsWith(command));

    it("makes what the node needs, and only then is the node, with the members that the parameter names", async () => {
        expect((await bench.runScript("compile-cluster.sh", ["run"])).status).toBe(1);
        expect((await bench.runScript("compile-cluster.sh", ["make"])).stderr).toBe("");
        expect(called("makeCluster.sh")).toEqual([`makeCluster.sh ${bench.path("state")} x86_64 aarch64 x86_64`]);

        const fetched = called("apt-get");
        expect(fetched).not.toEqual([]);
        await bench.runScript("compile-cluster.sh", ["make"]);
        expect(called("makeCluster.sh")).toHaveLength(1);
        expect(called("apt-get")).toEqual(fetched);
        bench.write("state/compile-cluster/incomplete");
        await bench.runScript("compile-cluster.sh", ["make"]);
        expect(called("makeCluster.sh")).toHaveLength(2);

        const result = await bench.runScript("compile-cluster.sh", ["run"]);
        expect(result).toMatchObject({ status: 0, stderr: "native-buildx: in the compile cluster, at 10.0.0.9\n" });
        expect(bench.read("node").split("\n")).toEqual([
            "CLUSTER_ADDRESS=10.0.0.9",
            `CLUSTER_CONSOLE=${bench.path("console")}`,
            `CLUSTER_FOLDER=${bench.path("state")}`,
            `CLUSTER_KIT=${bench.path("state/compile-cluster")}`,
            `CLUSTER_MEMBERS=${bench.path("state/members")}`,
            `CLUSTER_MOUNTS=${bench.path("lib/cluster.json")}`,
            "CLUSTER_NAME=demo-prod",
            "CLUSTER_SCHEDULER_USER=compile-scheduler",
            "CLUSTER_USER=compile-node",
            "",
        ]);
        expect(bench.read("state/members")).toBe("amd64 10.0.0.9\narm64 10.0.0.12\n");
    });

    it("keeps what runs there from everything but the other nodes' ports", async () => {
        await bench.runScript("compile-cluster.sh", ["make"]);
        await bench.runScript("compile-cluster.sh", ["run"]);
        const rules = called("iptables")
            .filter((call) => call.includes(" -I "))
            .map((call) => call.replace("iptables -w -t mangle -I OUTPUT -m owner --uid-owner ", ""));
        // What was put first, last, comes first.
        const confined = (user: string) => [`${user} -j DROP`, `${user} -m conntrack --ctstate ESTABLISHED -j ACCEPT`];
        const admitted = (address: string) => [
            `compile-node -d ${address} -p tcp --dport 8765 -j ACCEPT`,
            `compile-scheduler -d ${address} -p tcp --dport 10245 -j ACCEPT`,
        ];
        expect(rules).toEqual([
            ...confined("compile-node"),
            ...confined("compile-scheduler"),
            ...["10.0.0.9", "10.0.0.9", "10.0.0.12"].flatMap(admitted),
        ]);
        expect(called("ip6tables").filter((call) => call.endsWith("-j DROP") && call.includes(" -I "))).toHaveLength(
            existsSync("/proc/net/if_inet6") ? 2 : 0,
        );
        expect(called("useradd")).toHaveLength(2);
        await bench.runScript("compile-cluster.sh", ["make"]);
        expect(called("useradd")).toHaveLength(2);
    });

    it("is no node where it cannot be confined, or nothing can be made: it says why", async () => {
        bench.stub("iptables", "exit 3");
        expect((await bench.runScript("compile-cluster.sh", ["make"])).status).toBe(0);
        expect(called("makeCluster.sh")).toEqual([]);
        expect((await bench.runScript("compile-cluster.sh", ["run"])).status).toBe(1);

        bench.stub("iptables", 'case " $* " in *" -C "*) exit 1 ;; esac');
        bench.write("broken");
        await bench.runScript("compile-cluster.sh", ["make"]);
        expect(bench.read("console")).toContain("not in the compile cluster: no gcc\r\n");
        expect((await bench.runScript("compile-cluster.sh", ["run"])).status).toBe(1);
        expect(bench.read("node")).toBe("");
    });

    it("keeps the members that it knows where the parameter cannot be read", async () => {
        await bench.runScript("compile-cluster.sh", ["make"]);
        bench.write("state/members", "amd64 10.0.0.9\n");
        bench.write("parameters/members");
        await bench.runScript("compile-cluster.sh", ["run"]);
        expect(bench.read("state/members")).toBe("amd64 10.0.0.9\n");
    });
});
