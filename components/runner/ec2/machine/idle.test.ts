import { shells } from "../../../../tests/helpers/workbench";
import { RunnerBench } from "./runnerBench";

/** A stand-in for iptables: keeps its rules in a file, and what was changed in another. */
const keepsRules = `
program=\${0##*/} action=$2
shift 2
case $action in
-I) echo "$*" >>"$bench/rules-$program" ;;
-D) touch "$bench/rules-$program"
    at=$(grep -nxF -e "$*" "$bench/rules-$program" | sed 's/:.*//;1q')
    [ -n "$at" ] || exit 1
    sed -i "$at"d "$bench/rules-$program" ;;
esac
echo "$action $*" >>"$bench/changes-$program"
set -- "$action" "$@"`;

describe.each(shells)("idle.sh in %s", (_name, shell) => {
    let bench: RunnerBench;
    afterEach(() => bench.dispose());

    const row = (ageSeconds: number) => {
        const ended = new Date(Date.now() - ageSeconds * 1000).toISOString().replace(/\.\d+Z/, "Z");
        return `COMPLETE\tref\t${ended}\t${ended}\t1\t\n`;
    };
    const header = "TYPE\tREF\tCREATED\tCOMPLETED\tGENERATION\tPINNED\n";
    const running = "STARTED\tref\t2026-01-01T00:00:00Z\t\t1\t\n";

    beforeEach(() => {
        bench = new RunnerBench(shell);
        bench.stub("buildctl", '[ ! -e "$bench/silent" ] || exit 1; cat "$bench/histories"');
        bench.stub("iptables", `${keepsRules}\n[ ! -e "$bench/on-iptables" ] || . "$bench/on-iptables"`);
        bench.stub("ip6tables", keepsRules);
        bench.stub("sleep", "/bin/sleep 0.3");
        // The keys last.
        bench.stub("openssl");
        bench.stub("df", 'printf "x\\nx 0 0 %s\\n" "$(cat "$bench/free" 2>/dev/null || echo 99000000)"');
        bench.stub("ss", 'cat "$bench/connections" 2>/dev/null');
        bench.stub(
            "systemctl",
            'case $1 in is-failed) [ -e "$bench/failed" ] ;; is-active) cat "$bench/active" 2>/dev/null; [ -e "$bench/active" ] ;; poweroff) echo off >"$bench/off" ;; esac',
        );
        bench.write("histories", header);
        bench.layOut({
            idle_seconds: 1,
            failed_seconds: 1,
            look_seconds: 1,
            grace_seconds: 3,
            publish_seconds: 1000,
        });
    });

    /** The changes of rules, of IPv4. */
    const rules = () => bench.read("changes-iptables").split("\n").slice(0, -1);
    const close = "-I INPUT -p tcp --dport 9753 --syn -j REJECT --reject-with tcp-reset";
    const freeze = "-I INPUT -p tcp --dport 9753 -j DROP";

    /** Runs it until something has happened, which it goes on after. */
    const idleUntil = async (happened: () => boolean) => {
        expect((await bench.runScript("idle.sh", [], 20, happened)).status).toBe(-1);
        expect(happened()).toBe(true);
    };

    it("closes the port, freezes it, and powers off when nothing was built for long enough", async () => {
        bench.write("histories", header + row(3600));
        const result = await bench.runScript("idle.sh");
        expect(result.status).toBe(0);
        expect(bench.read("console")).toContain("native-buildx: unused for 1 s: powering off\r\n");
        expect(rules()).toEqual([close, freeze]);
        expect(bench.calls.filter((call) => !call.startsWith("sleep")).slice(-2)).toEqual([
            "systemctl stop buildkit.service",
            "systemctl poweroff",
        ]);
    });

    it("opens a port that was left closed when it was killed", async () => {
        const left = ["iptables", "ip6tables"].map((program) => `rules-${program}`);
        for (const file of left) {
            const more = file === "rules-iptables" ? [close] : [];
            bench.write(file, `${[close, freeze, close, ...more].join("\n").replaceAll("-I ", "")}\n`);
        }
        bench.layOut({ idle_seconds: 0, failed_seconds: 0, look_seconds: 1, publish_seconds: 1000 });
        await idleUntil(() => bench.calls.some((call) => call.startsWith("buildctl")));
        expect(left.map((file) => bench.read(file))).toEqual(["", ""]);
    });

    it("stays awake while a build runs, and after one has ended", async () => {
        bench.write("histories", header + row(3600) + running);
        expect((await bench.runScript("idle.sh", [], 3)).status).toBe(-1);
        bench.write("histories", header + row(-30));
        expect((await bench.runScript("idle.sh", [], 3)).status).toBe(-1);
        expect(rules()).toEqual([]);
    });

    it("stays awake while it compiles for builds of other runners, and not while it only waits for them", async () => {
        bench.stub("cluster.sh", '[ "$1" = helped ] && cat "$bench/helped"');
        const node = { cluster_folder: bench.path("node"), cluster_recipe: bench.path("bin") };
        bench.layOut({ idle_seconds: 2, failed_seconds: 1, look_seconds: 1, grace_seconds: 1, ...node });
        bench.write("histories", header + row(3600));
        bench.stub("sleep", '/bin/sleep 0.3; echo "$(($(cat "$bench/helped") + 1))" >"$bench/helped"');
        bench.write("helped", "0");
        expect((await bench.runScript("idle.sh", [], 4)).status).toBe(-1);
        expect(bench.read("off")).toBe("");
        bench.stub("sleep", "/bin/sleep 0.3");
        expect((await bench.runScript("idle.sh")).status).toBe(0);
        expect(bench.read("off")).toBe("off\n");
    });

    it("reopens the port for a client that begins a build after it closed", async () => {
        bench.write("connections", "ESTAB 0 0 10.0.0.9:9753 203.0.113.7:40000\n");
        bench.write("on-iptables", `printf '${header}${running}' >"$bench/histories"`);
        await idleUntil(() => rules().includes(close.replace("-I", "-D")));
        expect(bench.read("off")).toBe("");
        expect(rules()[0]).toBe(close);
        expect(rules()).toContain(close.replace("-I", "-D"));
        expect(rules()).not.toContain(freeze);
    });

    it("reopens it even if the build began while the port froze", async () => {
        bench.write(
            "on-iptables",
            `case "$*" in *"-I INPUT -p tcp --dport 9753 -j DROP") printf '${header}${running}' >"$bench/histories" ;; esac`,
        );
        await idleUntil(() => rules().length >= 4);
        expect(bench.read("off")).toBe("");
        expect(rules().slice(0, 4)).toEqual([close, freeze, freeze.replace("-I", "-D"), close.replace("-I", "-D")]);
    });

    it("is not kept awake by an open connection without a build", async () => {
        bench.write("connections", "ESTAB 0 0 10.0.0.9:9753 203.0.113.7:40000\n");
        expect((await bench.runScript("idle.sh")).status).toBe(0);
        expect(bench.read("off")).toBe("off\n");
    });

    it("powers off a runner whose BuildKit never comes up, and says so", async () => {
        bench.write("silent", "");
        expect((await bench.runScript("idle.sh")).status).toBe(0);
        expect(bench.read("console")).toMatch(/^native-buildx: BuildKit has not answered for \d+ s: powering off\r$/m);
        expect(bench.read("off")).toBe("off\n");
    });

    it("waits for a first start that is under way", async () => {
        bench.write("silent", "");
        bench.write("active", "activating\n");
        expect((await bench.runScript("idle.sh", [], 3)).status).toBe(-1);
        expect(bench.read("off")).toBe("");
    });

    it("never stops where that is configured", async () => {
        bench.layOut({ idle_seconds: 0, failed_seconds: 0, look_seconds: 1 });
        bench.write("silent", "");
        bench.write("failed", "");
        expect((await bench.runScript("idle.sh", [], 3)).status).toBe(-1);
        expect(bench.read("off")).toBe("");
    });

    it("does not wait for the end of its idle time when its start has failed, and says so", async () => {
        bench.layOut({ idle_seconds: 1000, failed_seconds: 1, look_seconds: 1, grace_seconds: 1 });
        bench.write("silent", "");
        expect((await bench.runScript("idle.sh", [], 3)).status).toBe(-1);
        bench.write("failed", "");
        expect((await bench.runScript("idle.sh")).status).toBe(0);
        expect(bench.read("console")).toContain("native-buildx: its start has failed: powering off\r\n");
        expect(bench.read("off")).toBe("off\n");
    });

    /** Looks after its keys at every look, until it has done so much; publish-keys.sh and openssl are stand-ins. */
    const caresForKeys = async (openssl: string, much: number) => {
        bench.layOut({
            idle_seconds: 1000,
            failed_seconds: 1000,
            look_seconds: 1,
            grace_seconds: 1,
            publish_seconds: 0,
        });
        bench.write("lib/publish-keys.sh", `#!/bin/sh\necho "publish-keys.sh $1" >>'${bench.path("calls")}'\n`);
        await bench.run(["chmod", "+x", bench.path("lib/publish-keys.sh")]);
        bench.stub("openssl", openssl);
        const done = () => bench.calls.filter((call) => /^(publish-keys|systemctl (stop|restart))/.test(call));
        await idleUntil(() => done().length >= much);
        return done();
    };
    /** They are good now, and for another day, and not for another fifteen. */
    const halfway = 'case $* in *"-checkend 0 "* | *"-checkend 86400 "*) exit 0 ;; esac; exit 1';
    const lastDay = 'case $* in *"-checkend 0 "*) exit 0 ;; esac; exit 1';

    it("publishes its keys again and again, whatever others do to the parameter", async () => {
        const done = await caresForKeys("", 3);
        expect(new Set(done)).toEqual(new Set(["publish-keys.sh again"]));
        expect(rules()).toEqual([]);
    });

    it("renews keys of which half the time is left when nothing is built, with the port closed", async () => {
        const done = await caresForKeys(halfway, 4);
        expect(done.slice(0, 3)).toEqual([
            "publish-keys.sh renew",
            "systemctl stop buildkit.service",
            "systemctl restart buildkit.service",
        ]);
        expect(rules().slice(0, 4)).toEqual([close, freeze, freeze.replace("-I", "-D"), close.replace("-I", "-D")]);
    });

    it.each([
        ["within the last ten minutes", halfway, 500, false],
        ["more than ten minutes ago", halfway, 700, true],
        ["within the last ten seconds of their last day", lastDay, 5, false],
        ["more than ten seconds ago on their last day", lastDay, 20, true],
    ])(
        "renews them where a build ended %s: not while somebody may have connected for another",
        async (_when, openssl, age, renews) => {
            bench.write("histories", header + row(age));
            expect((await caresForKeys(openssl, 1))[0]).toBe(`publish-keys.sh ${renews ? "renew" : "again"}`);
        },
    );

    it("renews keys that have expired as soon as no build runs", async () => {
        bench.write("histories", header + row(5));
        expect((await caresForKeys("exit 1", 1))[0]).toBe("publish-keys.sh renew");
    });

    it("collects cache while a build fills the disk, and only then", async () => {
        bench.layOut({ idle_seconds: 1000, failed_seconds: 1000, look_seconds: 1, publish_seconds: 1000 });
        bench.write("histories", header + running);
        expect((await bench.runScript("idle.sh", [], 2)).status).toBe(-1);
        expect(bench.calls.filter((call) => call.includes("prune"))).toEqual([]);
        // A tenth of 100 GiB is 10,737 MB.
        bench.write("free", "10000000");
        await idleUntil(() => bench.calls.includes("buildctl prune --all --free-storage 21474"));
    });

    it("says how long the system's start took", async () => {
        bench.stub("systemctl", "case $* in *Userspace*) echo 5000000 ;; *ActiveEnter*) echo 7430000 ;; esac");
        const { stderr } = await bench.runScript("idle.sh", [], 20, () =>
            /ActiveEnter.*\nsleep/s.test(bench.read("calls")),
        );
        expect(stderr).toContain("serving 2.4 s after the system's start");
    });
});
