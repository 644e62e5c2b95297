import { existsSync, readdirSync } from "node:fs";
import { histories } from "../../../../tests/helpers/histories";
import { shells } from "../../../../tests/helpers/workbench";
import { until } from "../../local/localRunnerBench";
import { PodBench } from "./podBench";

jest.setTimeout(60_000);

describe.each(shells)("serve.sh of a pod in %s", (_name, shell) => {
    let bench: PodBench;
    const plugins = ["bridge", "firewall", "host-local", "loopback"];

    beforeEach(() => {
        bench = new PodBench(shell);
        for (const plugin of plugins) {
            bench.stub(`buildkit-cni-${plugin}`);
        }
        for (const command of ["iptables", "ip6tables"]) {
            bench.stub(
                command,
                'case " $* " in *" -C "*) exit 1 ;; esac; [ ! -e "$bench/no-tables" ] || { echo no tables >&2; exit 3; }',
            );
        }
        bench.stub(
            "buildkitd",
            `trap 'echo drained >>"$bench/calls"; [ -e "$bench/clings" ] || exit 0' TERM
            [ ! -e "$bench/fails" ] || exit 7
            [ ! -e "$bench/serves" ] || : >"$bench/sockets/buildkitd.sock"
            : >"$bench/begun"
            [ ! -e "$bench/too-soon" ] || kill -TERM "$PPID"
            while :; do /bin/sleep 0.05; done`,
        );
        bench.stub("buildctl", "exit 1");
        bench.layOut();
    });
    afterEach(() => bench.dispose());

    const env = { KUBERNETES_SERVICE_HOST: "10.96.0.1", machine_cores: "3", machine_megabytes: "2048" };
    const run = () => bench.run(bench.script("serve.sh"), { env });

    it("starts BuildKit behind its firewall, and ends it by SIGTERM when the pod is ended", async () => {
        const pod = bench.start("serve.sh", env);
        await until(() => existsSync(bench.path("begun")));
        await pod.end("SIGTERM");
        expect(await pod.exited).toBe(0);
        expect(bench.calls.at(-1)).toBe("drained");

        const calls = bench.calls.filter((call) => !call.includes(" -C "));
        const started = calls.findIndex((call) => call.startsWith("buildkitd "));
        expect(calls[started]).toBe(`buildkitd --config ${bench.path("run/buildkitd.toml")} --oci-max-parallelism=6`);
        for (const address of [
            "169.254.169.254/32",
            "100.100.100.200/32",
            "168.63.129.16/32",
            "169.254.170.23/32",
            "10.0.0.0/16",
            "10.96.0.1",
        ]) {
            const at = calls.indexOf(`iptables -w -t mangle -I FORWARD -i buildkit0 -d ${address} -j DROP`);
            expect(at).toBeGreaterThanOrEqual(0);
            expect(at).toBeLessThan(started);
        }
        expect(calls.slice(0, started)).toContain("iptables -w -t filter -I INPUT ! -i lo -p tcp --syn -j DROP");
        expect(calls.slice(0, started)).toContain("iptables -w -t filter -I INPUT -i buildkit0 -j REJECT");
    });

    it("is ended before it serves, too", async () => {
        bench.stub("iptables", ': >"$bench/closing"; exec /bin/sleep 0.2');
        const pod = bench.start("serve.sh", env);
        await until(() => existsSync(bench.path("closing")));
        await pod.end("SIGTERM");
        expect(await pod.exited).toBe(143);
        expect(bench.calls.filter((call) => call.startsWith("buildkitd"))).toEqual([]);
    });

    it("ends BuildKit where the pod is ended while it starts, too", async () => {
        bench.write("too-soon");
        // As on a machine that is slow just then.
        const slow = bench.read("lib/serve.sh").replace(/^watcher=.*$/m, "$&\n/bin/sleep 1");
        bench.write("lib/serve.sh", slow);
        const pod = bench.start("serve.sh", env);
        expect(await pod.exited).toBe(0);
        expect(bench.calls.at(-1)).toBe("drained");
    });

    describe("when it serves, and the pod is ended,", () => {
        /** Started, with what BuildKit says of its builds: text, or a command that fails. */
        async function serving(builds: string, answers = 'cat "$bench/histories"') {
            bench.write("serves");
            bench.write("histories", builds);
            bench.stub("buildctl", answers);
            const pod = bench.start("serve.sh", env);
            await until(() => existsSync(`${bench.socket}.own`));
            process.kill(pod.id, "SIGTERM");
            await until(() => !existsSync(bench.socket));
            return pod;
        }
        const isEnding = () => bench.calls.includes("drained");
        const looks = () => bench.calls.filter((call) => call === "buildctl debug histories").length;

        it("finishes the builds that run, for nobody new", async () => {
            const pod = await serving(histories("running"));
            await until(() => looks() > 2);
            expect([pod.isRunning(), isEnding()]).toEqual([true, false]);
            bench.write("histories", histories(5));
            expect(await pod.exited).toBe(0);
            expect(isEnding()).toBe(true);
        });

        it("makes room in the cache for the builds that run", async () => {
            bench.layOut({ low_mb: 2 ** 40, room_mb: 2 ** 40 });
            const pod = await serving(histories("running"));
            await until(() => bench.calls.some((call) => call.startsWith("buildctl prune --all --free-storage")));
            bench.write("histories", histories(5));
            expect(await pod.exited).toBe(0);
        });

        it("waits for the next build of a client, and not for a client that begins none", async () => {
            bench.write("processes/1/cmdline", "buildctl\0dial-stdio\0");
            bench.write("clings");
            const pod = await serving(histories(0));
            // Without a client it has no second look.
            await until(() => looks() > 3);
            expect(isEnding()).toBe(false);
            expect(await pod.exited).toBe(137);
            expect(isEnding()).toBe(true);
        });

        it("waits for no BuildKit that does not answer", async () => {
            const pod = await serving("", "exit 1");
            expect(await pod.exited).toBe(0);
            expect(isEnding()).toBe(true);
        });
    });

    it("gives build steps addresses of both versions in a cluster of IPv6, and keeps them from the same there", async () => {
        bench.write("fails");
        const asked = "processes/sys/net/ipv6/conf/default/accept_dad";
        bench.write(asked, "1\n");
        await bench.run(bench.script("serve.sh"), { env: { ...env, KUBERNETES_SERVICE_HOST: "fd00:10:96::1" } });
        expect(bench.read(asked)).toBe("0\n");
        const { plugins: made } = JSON.parse(bench.read("run/builds.conflist"));
        expect(made[0].ipam.ranges).toEqual([
            [{ subnet: "10.209.0.0/16" }],
            [{ subnet: expect.stringMatching(/^fd/) }],
        ]);
        const set = bench.calls.filter((call) => call.startsWith("ip6tables ") && !call.includes(" -C "));
        expect(set).toContain("ip6tables -w -t mangle -I FORWARD -i buildkit0 -d fd00:10:96::1 -j DROP");
        for (const address of ["fd00:ec2::254/128", "fd20:ce::254/128"]) {
            expect(set).toContain(`ip6tables -w -t mangle -I FORWARD -i buildkit0 -d ${address} -j DROP`);
        }
        const inserted = (words: string) =>
            set.findIndex((call) => call.startsWith(`ip6tables -w -t filter -I INPUT -i buildkit0 ${words}`));
        // What comes later stands before.
        expect(inserted("-p icmpv6 --icmpv6-type neighbour-solicitation -j ACCEPT")).toBeGreaterThan(
            inserted("-j REJECT"),
        );

        await run();
        expect(JSON.parse(bench.read("run/builds.conflist")).plugins[0].ipam.ranges).toHaveLength(1);
    });

    it.each([
        ["10.96.0.1", "iptables", 1],
        ["fd00:10:96::1", "ip6tables", 2],
    ])(
        "keeps them from the API server at %s where the cluster has a name for it, too",
        async (address, tables, ranges) => {
            bench.write("fails");
            const named = { KUBERNETES_SERVICE_HOST: "api.example", KUBERNETES_PORT_443_TCP_ADDR: address };
            await bench.run(bench.script("serve.sh"), { env: { ...env, ...named } });
            expect(bench.calls).toContain(`${tables} -w -t mangle -I FORWARD -i buildkit0 -d ${address} -j DROP`);
            expect(bench.calls.filter((call) => call.includes("api.example"))).toEqual([]);
            expect(JSON.parse(bench.read("run/builds.conflist")).plugins[0].ipam.ranges).toHaveLength(ranges);
        },
    );

    it("keeps them from the address that the name stands for where there is nothing else", async () => {
        bench.write("fails");
        await bench.run(bench.script("serve.sh"), { env: { ...env, KUBERNETES_SERVICE_HOST: "api.example" } });
        expect(bench.calls).toContain("iptables -w -t mangle -I FORWARD -i buildkit0 -d api.example -j DROP");
    });

    it.each([
        ["1450\n", 1450],
        ["9001\n", 1500],
        [undefined, 1500],
    ])("gives them packets that the pod's network passes: of %j bytes %d", async (passed, given) => {
        bench.write("fails");
        if (passed) {
            bench.write("eth0/mtu", passed);
        }
        await run();
        expect(JSON.parse(bench.read("run/builds.conflist")).plugins[0]).toMatchObject({ type: "bridge", mtu: given });
    });

    it("lets them ask the cluster's name servers, also where all else at that address is refused", async () => {
        bench.write("fails");
        const servers = ["169.254.169.254", "fd00:10:96::a", "fe80::1%eth0"];
        bench.write(
            "resolv.conf",
            `search cluster.local\n${servers.map((server) => `nameserver ${server}\n`).join("")}`,
        );
        await run();
        const set = bench.calls.filter((call) => call.includes(" -I FORWARD "));
        const rule = (tables: string, words: string) =>
            set.indexOf(`${tables} -w -t mangle -I FORWARD -i buildkit0 -d ${words}`);
        for (const protocol of ["udp", "tcp"]) {
            // What comes later stands before.
            expect(rule("iptables", `169.254.169.254 -p ${protocol} --dport 53 -j ACCEPT`)).toBeGreaterThan(
                rule("iptables", "169.254.169.254/32 -j DROP"),
            );
            expect(rule("ip6tables", `fd00:10:96::a -p ${protocol} --dport 53 -j ACCEPT`)).toBeGreaterThan(0);
        }
        expect(set.filter((call) => call.includes("%"))).toEqual([]);
    });

    it("lets the kernel end a step alone, and not the container with it, where the node's memory is used up", async () => {
        bench.write("fails");
        bench.write("groups/cgroup.controllers", "memory\n");
        bench.write("processes/self/cgroup", "0::/pod/runner\n");
        bench.write("groups/pod/runner/cgroup.procs");
        bench.write("groups/pod/runner/memory.oom.group", "1\n");
        await run();
        expect(bench.read("groups/pod/runner/memory.oom.group")).toBe("0\n");
    });

    it("tells BuildKit the machine, the group of its steps, and CNI's names of the plugins", async () => {
        bench.write("fails");
        expect((await run()).status).toBe(7);
        const configuration = bench.read("run/buildkitd.toml");
        expect(configuration).toMatch(/platforms = \["linux\/(x86_64|aarch64)", "linux\/arm64"\]/);
        expect(configuration).toContain('defaultCgroupParent = "native-buildx"');
        expect(readdirSync(bench.path("run/cni")).sort()).toEqual(plugins);
        expect(existsSync(bench.path("groups/memory/native-buildx"))).toBe(true);
    });

    it("passes on BuildKit's failure, so that the cluster tells of it", async () => {
        bench.write("fails");
        expect(await run()).toMatchObject({
            status: 7,
            stderr: expect.stringContaining("BuildKit ended with status 7\n"),
        });
    });

    it.each([
        [
            "its steps could reach the cluster's network",
            () => bench.write("no-tables"),
            /cannot be kept from the cluster's network: no tables/,
        ],
        ["they would have no network", () => bench.stub("command", ""), /the image has no program buildkit-cni-bridge/],
    ])("starts nothing where %s", async (_why, arrange, message) => {
        arrange();
        if (message.source.includes("bridge")) {
            for (const plugin of plugins) {
                await bench.run(["rm", bench.path(`bin/buildkit-cni-${plugin}`)]);
            }
        }
        const { status, stderr } = await run();
        expect(status).toBe(1);
        expect(stderr).toMatch(message);
        expect(bench.calls.filter((call) => call.startsWith("buildkitd"))).toEqual([]);
    });
});
