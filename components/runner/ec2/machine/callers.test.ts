import { shells } from "../../../../tests/helpers/workbench";
import { RunnerBench } from "./runnerBench";

/** A rule as EC2 describes it; other tags are no callers'. */
interface Rule {
    range: string;
    /** Seconds from now, by the caller's name. */
    callers?: { [name: string]: number };
    port?: number;
    toPort?: number;
    protocol?: string;
    isEgress?: boolean;
}

function described(rules: { [id: string]: Rule }): string {
    const now = Math.floor(Date.now() / 1000);
    const items = Object.entries(rules).map(([id, rule]) => {
        const { range, callers = {}, port = 9753, toPort = port, protocol = "tcp", isEgress = false } = rule;
        const tags = Object.entries(callers).map(
            ([name, seconds]) =>
                `<item>\n<key>native-buildx:caller:${name}</key><value>${now + seconds}</value>\n</item>`,
        );
        return `<item>
    <groupId>sg-0a</groupId><isEgress>${isEgress}</isEgress><ipProtocol>${protocol}</ipProtocol>
    <fromPort>${port}</fromPort><toPort>${toPort}</toPort>
    <cidrIpv${range.includes(":") ? 6 : 4}>${range}</cidrIpv${range.includes(":") ? 6 : 4}>
    <securityGroupRuleId>${id}</securityGroupRuleId>
    <tagSet><item><key>native-buildx:group</key><value>sg-0a</value></item>${tags.join("")}</tagSet>
    </item>`;
    });
    return `<?xml version="1.0"?><DescribeSecurityGroupRulesResponse><securityGroupRuleSet>${items.join("")}</securityGroupRuleSet></DescribeSecurityGroupRulesResponse>`;
}

describe.each(shells)("callers.sh in %s", (_name, shell) => {
    let bench: RunnerBench;
    afterEach(() => bench.dispose());

    const curl = `
for url; do :; done
stdin=
case " $* " in *" -K - "*) stdin=$(cat) ;; esac
case $url in
*/api/token) printf 'session\\n' ;;
*/security-credentials/) printf role ;;
*/security-credentials/role) printf '{"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"hidden","Token":"token"}' ;;
https://ec2*)
case $stdin in *'user = "ASIAEXAMPLE:hidden"'*'X-Amz-Security-Token: token"'*) ;; *) exit 9 ;; esac
case $* in
*DescribeSecurityGroupRules*) cat "$bench/described" ;;
*) if [ -e "$bench/refusal" ]; then cat "$bench/refusal"; exit 22; fi ;;
esac ;;
esac
`;
    beforeEach(() => {
        bench = new RunnerBench(shell);
        bench.stub("curl", curl);
        bench.layOut({ open_seconds: 3600 });
    });

    /** Ids of the rules that are removed when these are there. */
    const closed = async (rules: { [id: string]: Rule }) => {
        bench.write("described", described(rules));
        const result = await bench.runScript("callers.sh");
        expect(result.status).toBe(0);
        return bench.calls.flatMap(
            (call) => /RevokeSecurityGroupIngress&GroupId=sg-0a&SecurityGroupRuleId.1=(\S+)/.exec(call)?.slice(1) ?? [],
        );
    };
    const open = { a: 60 };

    it("leaves callers alone whose time is not over, also where another one's is", async () => {
        const rules = {
            "sgr-1": { range: "203.0.113.7/32", callers: open },
            "sgr-2": { range: "2001:db8::7/128", callers: { gone: -10, here: 3600 } },
        };
        expect(await closed(rules)).toEqual([]);
        expect(await closed({})).toEqual([]);
    });

    it.each<[string, Rule]>([
        ["for callers whose time is over", { range: "203.0.113.7/32", callers: { a: -1, b: -4000 } }],
        ["for nobody", { range: "203.0.113.7/32" }],
        ["for longer than the setting says", { range: "203.0.113.7/32", callers: { a: 4000 } }],
        ["for the internet", { range: "0.0.0.0/0", callers: open }],
        ["for a range", { range: "203.0.113.0/24", callers: open }],
        ["for a range of version 6", { range: "2001:db8::/32", callers: open }],
        ["for another port", { range: "203.0.113.7/32", callers: open, port: 22 }],
        ["for more ports", { range: "203.0.113.7/32", callers: open, toPort: 9999 }],
        ["for another protocol", { range: "203.0.113.7/32", callers: open, protocol: "-1" }],
    ])("removes a rule %s, says so on the console, and leaves the next one", async (_what, rule) => {
        const right = { range: "198.51.100.1/32", callers: open };
        expect(await closed({ "sgr-1": right, "sgr-2": rule, "sgr-3": right })).toEqual(["sgr-2"]);
        expect(bench.read("console")).toContain(
            `closed the port to ${rule.range}: nobody may come from there any more`,
        );
    });

    it("leaves what goes out", async () => {
        expect(await closed({ "sgr-1": { range: "0.0.0.0/0", isEgress: true } })).toEqual([]);
    });

    it("is content where another runner was first, and says any other refusal", async () => {
        const expired = { "sgr-1": { range: "203.0.113.7/32" } };
        bench.write("refusal", "<Code>InvalidSecurityGroupRuleId.NotFound</Code>");
        await closed(expired);
        expect(bench.read("console")).toBe("");
        bench.write("refusal", "<Code>UnauthorizedOperation</Code>");
        await closed(expired);
        expect(bench.read("console")).toContain("could not close the port to 203.0.113.7/32: <Code>Unauthorized");
    });

    it("shows credentials to curl's standard input only", async () => {
        await closed({ "sgr-1": { range: "203.0.113.7/32" } });
        expect(bench.calls.join("\n")).not.toMatch(/hidden|ASIA/);
    });
});
