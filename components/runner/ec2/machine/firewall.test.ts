import { shells } from "../../../../tests/helpers/workbench";
import { RunnerBench } from "./runnerBench";

describe.each(shells)("firewall.sh in %s", (_name, shell) => {
    let bench: RunnerBench;
    beforeEach(() => {
        bench = new RunnerBench(shell);
    });
    afterEach(() => bench.dispose());

    it("keeps build steps off the metadata service before CNI's rules, and off the runner and each other", async () => {
        bench.stub("iptables", 'case " $* " in *" -C "*) exit 1 ;; esac');
        bench.stub("ip6tables", 'case " $* " in *" -C "*) exit 1 ;; esac');
        bench.layOut();
        expect((await bench.runScript("firewall.sh")).status).toBe(0);
        const made = bench.calls.filter((call) => call.includes(" -I "));
        expect(made).toContain("iptables -w -t mangle -I FORWARD -i buildkit0 -d 169.254.169.254/32 -j DROP");
        expect(made).toContain("iptables -w -t mangle -I FORWARD -i buildkit0 -o buildkit0 -j DROP");
        expect(made).toContain("iptables -w -t filter -I INPUT -i buildkit0 -j REJECT");
        // Whatever a security group says.
        expect(made).toContain("iptables -w -t filter -I INPUT ! -i lo -p tcp --syn ! --dport 9753 -j DROP");
    });

    it("lets other nodes of a compile cluster in, and no build step to a scheduler", async () => {
        bench.stub("iptables", 'case " $* " in *" -C "*) exit 1 ;; esac');
        bench.stub("ip6tables");
        bench.layOut({ scheduler_port: 8765, daemon_port: 10245 });
        expect((await bench.runScript("firewall.sh")).status).toBe(0);
        const made = bench.calls.filter((call) => call.startsWith("iptables") && call.includes(" -I "));
        expect(made.slice(-3)).toEqual([
            "iptables -w -t filter -I INPUT ! -i buildkit0 -p tcp --dport 10245 -j ACCEPT",
            "iptables -w -t filter -I INPUT ! -i buildkit0 -p tcp --dport 8765 -j ACCEPT",
            "iptables -w -t mangle -I FORWARD -i buildkit0 -p tcp --dport 8765 -j DROP",
        ]);
    });
});
