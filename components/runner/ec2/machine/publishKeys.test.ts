import { X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import { shells } from "../../../../tests/helpers/workbench";
import { RunnerBench } from "./runnerBench";

describe.each(shells)("publish-keys.sh in %s", (_name, shell) => {
    let bench: RunnerBench;
    afterEach(() => bench.dispose());

    const secret = "wJalr/XUtn+FEMI=";
    /** Answers as the metadata service and SSM do; notes what comes on standard input, and the value that is put. */
    const curl = `
for url; do :; done
stdin=
case " $* " in *" -K - "*) stdin=$(cat); printf '%s\\n' "$stdin" >>"$bench/stdin" ;; esac
case $url in
*/api/token)
if [ -e "$bench/slow" ] && [ "$(grep -c api/token "$bench/calls")" -lt 3 ]; then echo 'curl: (28) timed out' >&2; exit 28; fi
printf 'imds-session\\n%s' "$(cat "$bench/their-date" 2>/dev/null)" ;;
*/security-credentials/) printf 'runner-role' ;;
*/security-credentials/runner-role)
printf '{\\n  "Code" : "Success",\\n  "AccessKeyId" : "ASIAEXAMPLE",\\n  "SecretAccessKey" : "${secret.replace("/", "\\\\/")}",\\n  "Token" : "session+token=="\\n}' ;;
https://ssm*)
if [ -e "$bench/denied" ]; then rm "$bench/denied"; printf '{"__type":"AccessDeniedException","Message":"not authorized"}'; exit 22; fi
# As curl reads its configuration: a backslash makes the next character plain.
printf '%s\\n' "$stdin" | sed -n 's/^data = "\\(.*\\)"$/\\1/p' | sed 's/\\\\\\(.\\)/\\1/g' >"$bench/request"
version=$(($(cat "$bench/stored" 2>/dev/null || echo 6) + 1))
echo $version >"$bench/stored"
printf '{"Tier": "Standard", "Version": %s}' $version ;;
esac
`;
    beforeEach(() => {
        bench = new RunnerBench(shell);
        bench.stub("curl", curl);
        bench.layOut({ publish_limit: 1 });
    });

    const request = () => JSON.parse(bench.read("request"));

    it("makes keys and publishes those of the clients, readable by nobody else", async () => {
        const result = await bench.runScript("publish-keys.sh", ["start"]);
        expect(result).toEqual({ status: 0, stdout: "", stderr: "" });
        expect(request()).toEqual({
            Name: "/native-buildx/prod/arm64/keys",
            Type: "SecureString",
            Overwrite: true,
            Value: bench.read("tls/client.pem"),
        });
        const [ca = "", client = ""] = bench.read("tls/client.pem").split(/(?<=-----END CERTIFICATE-----\n)/);
        expect(new X509Certificate(client).verify(new X509Certificate(ca).publicKey)).toBe(true);
        const server = new X509Certificate(bench.read("tls/cert.pem"));
        expect(server.subjectAltName).toBe("DNS:arm64.runner.internal, DNS:amd64.runner.internal");
        // A standard parameter holds so much.
        expect(request().Value.length).toBeLessThan(4096);
        expect(statSync(bench.path("tls/key.pem")).mode & 0o777).toBe(0o600);
        expect(statSync(bench.path("tls/client.pem")).mode & 0o777).toBe(0o600);
    });

    it("publishes under the customer's key where there is one", async () => {
        bench.layOut({ kms_key: "arn:aws:kms:eu-central-1:1:key/a" });
        await bench.runScript("publish-keys.sh", ["start"]);
        expect(request()).toMatchObject({ KeyId: "arn:aws:kms:eu-central-1:1:key/a" });
    });

    it("shows credentials and keys to curl's standard input only", async () => {
        await bench.runScript("publish-keys.sh", ["start"]);
        const given = bench.read("stdin");
        expect(given).toContain(`user = "ASIAEXAMPLE:${secret}"`);
        expect(given).toContain('header = "X-Amz-Security-Token: session+token=="');
        for (const call of bench.calls) {
            expect(call).not.toMatch(/wJalr|session\+|ASIA|BEGIN/);
        }
    });

    it("asks the metadata service the IMDSv2 way only", async () => {
        await bench.runScript("publish-keys.sh", ["start"]);
        expect(bench.calls[0]).toContain("-X PUT -H X-aws-ec2-metadata-token-ttl-seconds: 300");
        expect(bench.read("stdin")).toContain('header = "X-aws-ec2-metadata-token: imds-session"');
    });

    it("gets over a metadata service that is slow at boot, and a refusal", async () => {
        bench.write("slow", "");
        bench.write("denied", "");
        bench.layOut({ publish_limit: 20 });
        expect((await bench.runScript("publish-keys.sh", ["start"])).status).toBe(0);
        expect(request().Value).toBe(bench.read("tls/client.pem"));
    });

    it("says what SSM says when it stays refused", async () => {
        bench.stub("rm", "exit 0");
        bench.write("denied", "");
        const result = await bench.runScript("publish-keys.sh", ["start"]);
        expect(result.status).toBe(1);
        expect(bench.read("console")).toContain("could not publish the keys of this start");
        expect(bench.read("console")).toContain("/native-buildx/prod/arm64/keys: ");
        expect(bench.read("console")).toContain("AccessDeniedException");
        expect(bench.read("console")).not.toMatch(/wJalr|session\+token|ASIA|BEGIN/);
    });

    it("sets a clock that is a year wrong by the metadata service's before it makes keys, and leaves others alone", async () => {
        const inAYear = new Date(Date.now() + 365 * 86_400_000).toUTCString();
        const date = 'case "$*" in "-u -s "*) exit ;; esac; exec /bin/date "$@"';
        bench.stub("date", date);
        bench.write("their-date", inAYear);
        expect((await bench.runScript("publish-keys.sh", ["start"])).status).toBe(0);
        const set = bench.calls.indexOf(`date -u -s ${inAYear}`);
        expect(set).toBeGreaterThan(0);
        expect(set).toBeLessThan(bench.calls.findIndex((call) => call.startsWith("date -u -d @")));
        expect(bench.read("console")).toMatch(/the clock was wrong by -\d{8} s: set by the metadata service/);

        bench.write("calls", "");
        bench.write("their-date", new Date(Date.now() + 20_000).toUTCString());
        await bench.runScript("publish-keys.sh", ["start"]);
        expect(bench.calls.filter((call) => call.startsWith("date -u -s"))).toEqual([]);
    });

    it("publishes the same keys again, and says when somebody had changed them", async () => {
        await bench.runScript("publish-keys.sh", ["start"]);
        const published = request().Value;
        expect((await bench.runScript("publish-keys.sh", ["again"])).stderr).toBe("");
        expect(request().Value).toBe(published);
        bench.write("stored", "40\n");
        expect((await bench.runScript("publish-keys.sh", ["again"])).stderr).toContain(
            "somebody has changed or deleted /native-buildx/prod/arm64/keys",
        );
        expect((await bench.runScript("publish-keys.sh", ["again"])).stderr).toBe("");
    });

    it("renews: other keys are where BuildKit takes them once they are published, and not before", async () => {
        await bench.runScript("publish-keys.sh", ["start"]);
        const before = bench.read("tls/cert.pem");
        bench.write("denied", "");
        expect((await bench.runScript("publish-keys.sh", ["renew"])).status).not.toBe(0);
        expect(bench.read("tls/cert.pem")).toBe(before);
        expect((await bench.runScript("publish-keys.sh", ["renew"])).status).toBe(0);
        expect(bench.read("tls/cert.pem")).not.toBe(before);
        expect(request().Value).toBe(bench.read("tls/client.pem"));
    });

    it("puts a word in place of the keys when the runner stops", async () => {
        await bench.runScript("publish-keys.sh", ["start"]);
        await bench.runScript("publish-keys.sh", ["stop"]);
        expect(request().Value).toBe("stopped");
    });
});
