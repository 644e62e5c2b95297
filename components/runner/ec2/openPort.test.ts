import { shells } from "../../../tests/helpers/workbench";
import { OpenPortBench } from "./openPortBench";

const here = "203.0.113.77/32";
const other = "198.51.100.1/32";

describe.each(shells)("the port of EC2 runners in %s", (_name, shell) => {
    let bench: OpenPortBench;
    beforeEach(() => {
        bench = new OpenPortBench(shell);
    });
    afterEach(() => bench.dispose());

    const served = { status: 0, stdout: "tcp://203.0.113.9:9753\n", stderr: "" };
    const fine = { status: 0, stdout: "", stderr: "" };
    const calls = (operation: string) => bench.calls.filter((call) => call.startsWith(`aws ec2 ${operation}`));

    it("opens for the caller's own address, for so long, before anybody knocks; --done closes it", async () => {
        expect(await bench.as("a", "wake_ec2 arm64")).toEqual(served);
        expect(bench.rules).toEqual({ [here]: { a: 10 } });
        const [opening = ""] = calls("authorize");
        expect(opening).toContain("--group-id sg-0a");
        expect(opening).toContain("IpProtocol=tcp,FromPort=9753,ToPort=9753,IpRanges=[{CidrIp=203.0.113.77/32,");
        // By this tag the CI role's policy knows the rules of this group.
        expect(opening).toContain("{Key=native-buildx:group,Value=sg-0a}");
        const knock = bench.calls.findIndex((call) => call.startsWith("curl") && call.includes(":9753"));
        expect(knock).toBeGreaterThan(bench.calls.indexOf(opening));

        expect(await bench.as("a", "done_ec2 arm64; done_ec2 amd64")).toEqual(fine);
        expect(bench.rules).toEqual({});
    });

    it("opens nothing where that is not wanted, and asks nobody", async () => {
        const none = { callers_group_arm64: "" };
        expect(await bench.as("a", "wake_ec2 arm64; done_ec2 arm64", none)).toMatchObject({ stdout: served.stdout });
        expect(bench.calls.filter((call) => /security-group|checkip/.test(call))).toEqual([]);
    });

    it("opens once for two runners that are woken at once, and anew for each connect", async () => {
        await bench.as("a", "wake_ec2 arm64 & wake_ec2 amd64 & wait");
        expect(bench.rules).toEqual({ [here]: { a: 10 } });
        bench.putRule("sgr-made-1", here, { a: 60 });
        await bench.as("a", "wake_ec2 arm64");
        expect(bench.rules).toEqual({ [here]: { a: 10 } });
    });

    it("is shared by two callers behind one address, and stays open until the last has done", async () => {
        await bench.as("a", "wake_ec2 arm64");
        expect(await bench.as("b", "wake_ec2 arm64")).toEqual(served);
        expect(bench.rules).toEqual({ [here]: { a: 10, b: 10 } });
        await bench.as("a", "done_ec2 arm64");
        expect(bench.rules).toEqual({ [here]: { b: 10 } });
        await bench.as("b", "done_ec2 arm64");
        expect(bench.rules).toEqual({});
    });

    it("is not closed for another by somebody who was never let in, nor by a done that comes twice", async () => {
        bench.putRule("sgr-1", here, { a: 600 });
        await bench.as("c", "done_ec2 arm64");
        await bench.as("c", "done_ec2 arm64");
        expect(bench.rules).toEqual({ [here]: { a: 10 } });
        expect(calls("revoke")).toEqual([]);
    });

    it("is closed by --done also where the caller has another address by then", async () => {
        await bench.as("a", "wake_ec2 arm64");
        bench.write("own-address", "198.51.100.1\n");
        await bench.as("a", "done_ec2 arm64");
        expect(bench.rules).toEqual({});
    });

    it.each([
        [
            "made the rule",
            "before-authorize-security-group-ingress",
            'printf "%s\\n" 203.0.113.77/32 native-buildx:group=sg-0a >"$bench/rules/sgr-9"',
        ],
        ["removed the rule", "before-create-tags", 'rm "$bench/rules/sgr-1"'],
    ])("is looked at again when somebody else has %s meanwhile", async (_what, file, script) => {
        if (file === "before-create-tags") {
            bench.putRule("sgr-1", here, { b: 600 });
        }
        bench.write(file, script);
        expect(await bench.as("a", "wake_ec2 arm64")).toEqual(served);
        expect(bench.rules).toEqual({ [here]: { a: 10 } });
    });

    it("is opened once more when a caller behind the same address closed it in that moment", async () => {
        bench.write("knocks", "28\n28\n28\n28\n56\n");
        // The last knock finds it open again.
        const { stdout } = await bench.as("a", "wake_ec2 arm64");
        expect(stdout).toBe(served.stdout);
        expect(calls("describe-security-group-rules")).toHaveLength(2);
    });

    it("is opened anew while a runner takes longer to serve than it is open", async () => {
        bench.write("knocks", "7\n7\n7\n7\n7\n7\n7\n56\n");
        await bench.as("a", "wake_ec2 arm64", { open_seconds_arm64: "0" });
        expect(calls("create-tags").length).toBeGreaterThan(1);
    });

    it("is closed to those whose time is over, by whoever comes next", async () => {
        bench.putRule("sgr-1", other, { gone: -400, lost: -500 });
        bench.putRule("sgr-2", "198.51.100.2/32", { late: -200 });
        bench.putRule("sgr-3", "198.51.100.3/32", { gone: -400, busy: 60 });
        bench.putForeignRule("sgr-4", "198.51.100.4/32", "Name=by hand");
        await bench.as("a", "wake_ec2 arm64");
        // A clock may be five minutes slow; a rule without tags is judged by the runners.
        expect(Object.keys(bench.rules).sort()).toEqual(
            [here, "198.51.100.2/32", "198.51.100.3/32", "198.51.100.4/32"].sort(),
        );
    });

    it.each([
        ["without tags, which no role can name a caller in", []],
        ["with the tag of another group", ["native-buildx:group=sg-0b"]],
    ])("is not shut by a rule for its address %s: another takes its place", async (_what, tags) => {
        bench.putForeignRule("sgr-1", here, ...tags);
        expect(await bench.as("a", "wake_ec2 arm64")).toEqual(served);
        expect(bench.rules).toEqual({ [here]: { a: 10 } });
        expect(await bench.as("a", "done_ec2 arm64")).toEqual(fine);
        expect(bench.rules).toEqual({});
    });

    it("forgets callers of its own rule whose time is over: a rule can have fifty tags", async () => {
        bench.putRule("sgr-1", here, { gone: -400, lost: -500, busy: 600 });
        await bench.as("a", "wake_ec2 arm64");
        expect(bench.rules).toEqual({ [here]: { busy: 10, a: 10 } });
    });

    it("gets room at the limit from those whose time is over, and says what to do where there is none", async () => {
        bench.write("limit", "1");
        bench.putRule("sgr-1", other, { gone: -400 });
        expect(await bench.as("a", "wake_ec2 arm64")).toEqual(served);

        bench.write("own-address", "198.51.100.9\n");
        const { status, stderr } = await bench.as("b", "wake_ec2 arm64");
        expect(status).toBe(1);
        expect(stderr).toMatch(/security group sg-0a has as many rules as it can, .*connect --done.*allowedCidrs\n$/);
        expect(bench.rules).toEqual({ [here]: { a: 10 } });
    });

    it.each([
        [
            "authorize-security-group-ingress",
            "wake_ec2 arm64",
            /^arm64 runner: the port cannot be opened to 203.0.113.77, in security group sg-0a: .*UnauthorizedOperation/,
        ],
        [
            "delete-tags",
            "done_ec2 arm64",
            /^arm64 runner: the port could not be closed to this caller, and closes by itself in time: .*Unauthorized/,
        ],
    ])("says so when %s is refused", async (operation, words, reason) => {
        if (operation === "delete-tags") {
            bench.putRule("sgr-1", here, { a: 600 });
        }
        bench.write("refused", operation);
        const { status, stderr } = await bench.as("a", words);
        expect(status).toBe(1);
        expect(stderr).toMatch(reason);
    });

    describe("the caller's address", () => {
        it("is asked for without a proxy, in version 4, where the setting says", async () => {
            await bench.as("a", "wake_ec2 arm64", {}, { https_proxy: "http://proxy.example:3128" });
            const [asked = ""] = bench.calls.filter((call) => call.includes("checkip"));
            expect(asked).toMatch(/^curl -fsS4 --noproxy \* .*https:\/\/checkip.example$/);
        });

        const noCurl = "command() { if [ \"$*\" = '-v curl' ]; then return 1; fi; return 0; }";

        it("is asked for by wget where there is no curl, and without its option -T, at which a BusyBox crashes", async () => {
            // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
            const answer = 'echo "${https_proxy:-no proxy}" >"$bench/proxy"; echo 203.0.113.78';
            bench.stub("wget", `case " $* " in *" -T "*) exit 139 ;; *" -4 "*) exit 1 ;; esac\n${answer}`);
            await bench.as("a", `${noCurl}\nwake_ec2 arm64`, {}, { https_proxy: "http://proxy.example:3128" });
            expect(Object.keys(bench.rules)).toEqual(["203.0.113.78/32"]);
            expect(bench.read("proxy")).toBe("no proxy\n");
        });

        it("is asked for over IPv4 by GNU's wget", async () => {
            bench.stub(
                "wget",
                `case " $* " in
                *" --help "*) echo '  -4,  --inet4-only    connect only to IPv4 addresses' ;;
                *" -4 "*) echo 203.0.113.78 ;;
                *) echo 2001:db8::7 ;;
                esac`,
            );
            await bench.as("a", `${noCurl}\nwake_ec2 arm64`);
            expect(Object.keys(bench.rules)).toEqual(["203.0.113.78/32"]);
        });

        it("is not one of IPv6 which a wget that cannot choose is told: the runners' addresses are of IPv4", async () => {
            bench.stub("wget", 'case " $* " in *" -4 "*) exit 1 ;; esac\necho 2001:db8::7');
            const { status, stderr } = await bench.as("a", `${noCurl}\nwake_ec2 arm64`);
            expect(status).toBe(1);
            expect(stderr).toMatch(/which IPv4 address .* Set NATIVE_BUILDX_CALLER_ADDRESS to it, or install curl, /);
            expect(calls("authorize")).toEqual([]);
        });

        it.each([
            ["203.0.113.80", "203.0.113.80/32"],
            ["2001:DB8::7", "2001:db8::7/128"],
        ])("is %s where the environment says so", async (address, range) => {
            await bench.as("a", "wake_ec2 arm64", {}, { NATIVE_BUILDX_CALLER_ADDRESS: address });
            expect(Object.keys(bench.rules)).toEqual([range]);
            expect(bench.calls.filter((call) => call.includes("checkip"))).toEqual([]);
        });

        it.each(["", "<html>log in</html>", "0.0.0.0/0"])("is not taken from an answer like '%s'", async (answer) => {
            bench.write("own-address", answer);
            const { status, stderr } = await bench.as("a", "wake_ec2 arm64");
            expect(status).toBe(1);
            expect(stderr).toMatch(
                /https:\/\/checkip.example, asked without a proxy .* Set NATIVE_BUILDX_CALLER_ADDRESS to it\n$/,
            );
            expect(calls("authorize")).toEqual([]);
        });
    });
});
