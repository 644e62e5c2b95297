import { createHash, X509Certificate } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import * as path from "node:path";
import { gunzipSync } from "node:zlib";
import {
    type BootstrapSettings,
    defaultBuildkitRelease,
    packUserData,
    renderUserData,
    runnerPaths,
    userDataLimit,
} from "./ec2Bootstrap";
import { shells, Workbench } from "./machine/ec2Scripts";

// The idle rule counts in seconds.
jest.setTimeout(30_000);

const settings: BootstrapSettings = {
    region: "eu-central-1",
    ssmEndpoint: "https://ssm.eu-central-1.amazonaws.com",
    keysParameter: "/native-buildx/prod/arm64/keys",
    kmsKeyArn: "",
    serverNames: ["arm64.runner.internal", "amd64.runner.internal"],
    cacheDevice: "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0",
    buildkitUrl: "https://mirror.example.com/buildkit-v0.31.1.linux-arm64.tar.gz",
    buildkitSha256: "a".repeat(64),
    port: 9753,
    idleMinutes: 20,
    cacheBytes: 100 * 2 ** 30,
    buildkitConfig: '# a comment\nroot = "/var/lib/buildkit/root"\n',
};

/** The files that user data writes, by path. */
function filesOf(userData: string): { [path: string]: string } {
    const files: { [path: string]: string } = {};
    for (const match of userData.matchAll(/^put \d+ (\S+) <<'END-OF-FILE'\n([\s\S]*?)^END-OF-FILE$/gm)) {
        files[match[1] ?? ""] = match[2] ?? "";
    }
    return files;
}

describe("user data", () => {
    const userData = renderUserData(settings);

    it("takes, packed, no more than half of what EC2 takes", () => {
        const packed = Buffer.from(packUserData(userData), "base64");
        expect(packed.length).toBeLessThan(userDataLimit / 2);
        expect(gunzipSync(packed).toString()).toBe(userData);
    });

    it("is packed into the same bytes on every machine and version of Node", () => {
        const digest = createHash("sha256")
            .update(packUserData("echo hello\n".repeat(1000)))
            .digest("hex");
        expect(digest).toBe("cdd844626eb212d51f1095c606f5a72925ddfd365768e2cef5faeae9b1bc3e0e");
    });

    it("is refused when it does not fit", () => {
        const noise = Array.from({ length: 400 }, (_, index) => createHash("sha512").update(`${index}`).digest("hex"));
        expect(() => packUserData(renderUserData({ ...settings, buildkitConfig: noise.join("\n") }))).toThrow(
            /and EC2 takes 16384/,
        );
    });

    it("does not depend on the machine that renders it", () => {
        expect(renderUserData({ ...settings })).toBe(userData);
        expect(userData.startsWith("#!/bin/sh\n")).toBe(true);
    });

    it("keeps what comes from the settings one word of shell", async () => {
        const bench = new Workbench();
        const hostile = 'it\'s $(touch HERE) `x` "y"';
        const rendered = filesOf(renderUserData({ ...settings, buildkitUrl: hostile }));
        const file = bench.write("settings", rendered[`${runnerPaths.library}/settings`] ?? "");
        const result = await bench.run(["dash", "-c", `. ${file}; printf %s "$buildkit_url"`]);
        expect(result.stdout).toBe(hostile);
        bench.dispose();
    });

    it("refuses a file that would end early", () => {
        expect(() => renderUserData({ ...settings, buildkitConfig: "END-OF-FILE\n" })).toThrow("end it early");
    });

    it("starts the idle rule before anything that can fail", () => {
        expect(userData.trim().split("\n").at(-1)).toBe(
            "systemctl enable --now --no-block native-buildx-idle.service native-buildx-install.service " +
                "native-buildx-cache.service native-buildx-keys.service native-buildx-firewall.service buildkit.service",
        );
    });

    it.each(shells)("is a script that %s can read, as is each script in it", async (_name, shell) => {
        const bench = new Workbench();
        const scripts = Object.entries(filesOf(userData)).filter(([name]) => name.endsWith(".sh"));
        expect(scripts.map(([name]) => path.basename(name)).sort()).toEqual([
            "common.sh",
            "firewall.sh",
            "idle-rule.sh",
            "idle.sh",
            "install.sh",
            "keys.sh",
            "mount-cache.sh",
            "publish-keys.sh",
        ]);
        for (const [name, text] of [["user-data", userData] as const, ...scripts]) {
            const result = await bench.run([...shell, "-n", bench.write(path.basename(name), text)]);
            expect({ name, ...result }).toEqual({ name, status: 0, stdout: "", stderr: "" });
        }
        bench.dispose();
    });

    it("names in its units only scripts that it writes", () => {
        const files = filesOf(userData);
        const called = Object.entries(files)
            .filter(([name]) => name.endsWith(".service"))
            .flatMap(([, text]) => [...text.matchAll(/\/usr\/local\/lib\/native-buildx\/\S+/g)].map(([name]) => name));
        expect(called).toHaveLength(6);
        for (const script of called) {
            expect(Object.keys(files)).toContain(script);
        }
        expect(files["/etc/systemd/system/buildkit.service"]).toContain(`--config ${runnerPaths.buildkitConfig}\n`);
        const network = JSON.parse(files[runnerPaths.networkConfig] ?? "");
        expect(network.plugins[0]).toMatchObject({ type: "bridge", portIsolation: true });
        expect(files["/etc/systemd/system/native-buildx-install.service"]).toContain(
            `ConditionPathExists=!${runnerPaths.installedMarker}\n`,
        );
    });
});

describe("BuildKit's release", () => {
    it("has a checksum for every platform, each its own", () => {
        const sums = Object.values(defaultBuildkitRelease.sha256);
        expect(sums).toHaveLength(2);
        expect(new Set(sums).size).toBe(2);
        for (const sum of sums) {
            expect(sum).toMatch(/^[0-9a-f]{64}$/);
        }
    });
});

describe.each(shells)("the runner's scripts in %s", (_name, shell) => {
    let bench: Workbench;
    beforeEach(() => {
        bench = new Workbench();
    });
    afterEach(() => bench.dispose());

    /** Lays the files out as on a runner, with paths and times that fit a test. */
    function layOut(changes: { [setting: string]: string | number } = {}): void {
        for (const [name, text] of Object.entries(filesOf(renderUserData(settings)))) {
            if (name.startsWith(runnerPaths.library)) {
                bench.write(`lib/${path.basename(name)}`, text);
            }
        }
        const all = {
            cache_directory: bench.path("cache"),
            cni_directory: bench.path("cni"),
            installed_marker: bench.path("installed"),
            tls_directory: bench.path("tls"),
            ...changes,
        };
        const extra = Object.entries(all).map(([name, value]) => `${name}='${value}'\n`);
        bench.write("lib/settings", bench.read("lib/settings") + extra.join(""));
    }

    function run(script: string, args: string[] = [], seconds = 20) {
        return bench.run([...shell, bench.path(`lib/${script}`), ...args], {
            seconds,
            env: {
                NATIVE_BUILDX_LIB: bench.path("lib"),
                NATIVE_BUILDX_CONSOLE: bench.path("console"),
                NATIVE_BUILDX_PREFIX: bench.path("prefix"),
            },
        });
    }

    describe("install.sh", () => {
        let sha256 = "";
        beforeEach(async () => {
            bench.write("archive/bin/buildkitd", "a daemon\n");
            bench.write("prefix/.keep", "");
            await bench.run(["tar", "-C", bench.path("archive"), "-czf", bench.path("archive.tar.gz"), "bin"]);
            sha256 = createHash("sha256")
                .update(readFileSync(bench.path("archive.tar.gz")))
                .digest("hex");
            for (const tool of ["iptables", "git", "mkfs.ext4", "blkid", "ss"]) {
                bench.stub(tool);
            }
            bench.stub("apt-get");
            bench.stub(
                "curl",
                'for last; do :; done; while [ $# -gt 1 ]; do [ "$1" != -o ] || out=$2; shift; done; cp "$bench/archive.tar.gz" "$out"',
            );
        });

        it("unpacks BuildKit once its checksum is right", async () => {
            layOut({ buildkit_sha256: sha256 });
            const result = await run("install.sh");
            expect(result.stderr).toContain("BuildKit installed");
            expect(bench.read("prefix/bin/buildkitd")).toBe("a daemon\n");
            expect(readdirSync(bench.path("cni"))).toEqual(["bridge", "firewall", "host-local", "loopback"]);
            expect(readlinkSync(bench.path("cni/bridge"))).toBe(bench.path("prefix/bin/buildkit-cni-bridge"));
            expect(statSync(bench.path("installed")).isFile()).toBe(true);
            expect(bench.calls.filter((call) => call.startsWith("apt-get"))).toEqual([]);
        });

        it("refuses any other archive, and says so on the console", async () => {
            layOut();
            const result = await run("install.sh");
            expect(result.status).toBe(1);
            expect(bench.read("console")).toContain(
                `has SHA-256 ${sha256}, not ${"a".repeat(64)} as configured: refused`,
            );
            expect(bench.read("prefix/bin/buildkitd")).toBe("");
            expect(readdirSync(bench.folder)).not.toContain("installed");
        });

        it("says which address it cannot download from", async () => {
            layOut();
            bench.stub("curl", "exit 6");
            const result = await run("install.sh");
            expect(result.status).toBe(1);
            expect(bench.read("console")).toContain("could not download BuildKit from https://mirror.example.com/");
        });
    });

    describe("mount-cache.sh", () => {
        // Only the node is looked at: everything that would touch the device is a stub.
        const device = readdirSync("/dev")
            .map((name) => `/dev/${name}`)
            .find((name) => lstatSync(name).isBlockDevice());
        const onDevice = device ? it : it.skip;
        beforeEach(() => {
            for (const tool of ["mkfs.ext4", "e2fsck", "resize2fs", "mount"]) {
                bench.stub(tool);
            }
            bench.stub("mountpoint", "exit 1");
        });

        onDevice("formats a volume on which there is nothing at all", async () => {
            bench.stub("blkid", "exit 2");
            bench.stub("head", "/usr/bin/head -c 1000 /dev/zero");
            layOut({ cache_device: device ?? "" });
            expect((await run("mount-cache.sh")).status).toBe(0);
            expect(bench.calls.map((call) => call.split(" ")[0])).toEqual([
                "mountpoint",
                "blkid",
                "head",
                "mkfs.ext4",
                "mount",
            ]);
        });

        onDevice("does not format one that holds bytes which blkid does not know", async () => {
            bench.stub("blkid", "exit 2");
            bench.stub("head", "printf 'somebody\\047s data'");
            layOut({ cache_device: device ?? "" });
            expect((await run("mount-cache.sh")).status).toBe(1);
            expect(bench.calls.some((call) => call.startsWith("mkfs") || call.startsWith("mount "))).toBe(false);
            expect(bench.read("console")).toContain("holds something that is no file system: not formatted");
        });

        onDevice.each([
            ["another file system", "echo xfs"],
            ["an ambivalent one", "exit 8"],
            ["an unreadable one", "exit 4"],
        ])("does not format %s", async (_what, blkid) => {
            bench.stub("blkid", blkid);
            layOut({ cache_device: device ?? "" });
            expect((await run("mount-cache.sh")).status).toBe(1);
            expect(bench.calls.some((call) => call.startsWith("mkfs") || call.startsWith("mount "))).toBe(false);
        });

        onDevice("checks, grows and mounts the cache it knows", async () => {
            bench.stub("blkid", "echo ext4");
            layOut({ cache_device: device ?? "" });
            expect((await run("mount-cache.sh")).status).toBe(0);
            expect(bench.calls.map((call) => call.split(" ")[0])).toEqual([
                "mountpoint",
                "blkid",
                "e2fsck",
                "resize2fs",
                "mount",
            ]);
        });

        it("never formats on a time-out", async () => {
            bench.stub("blkid", "exit 2");
            layOut({ cache_device: "/dev/disk/by-id/nowhere", cache_wait_seconds: 1 });
            expect((await run("mount-cache.sh")).status).toBe(1);
            expect(bench.calls.filter((call) => !call.startsWith("mountpoint"))).toEqual([]);
            expect(bench.read("console")).toContain("did not appear as /dev/disk/by-id/nowhere");
        });

        it("leaves a stand-in, which has no volume, its root disk", async () => {
            layOut({ cache_device: "" });
            expect((await run("mount-cache.sh")).status).toBe(0);
            expect(bench.calls).toEqual([]);
            expect(statSync(bench.path("cache")).isDirectory()).toBe(true);
        });
    });

    describe("publish-keys.sh", () => {
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
            bench.stub("curl", curl);
            layOut({ publish_limit: 1 });
        });

        const request = () => JSON.parse(bench.read("request"));

        it("makes keys and publishes those of the clients, readable by nobody else", async () => {
            const result = await run("publish-keys.sh", ["start"]);
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
            layOut({ kms_key: "arn:aws:kms:eu-central-1:1:key/a" });
            await run("publish-keys.sh", ["start"]);
            expect(request()).toMatchObject({ KeyId: "arn:aws:kms:eu-central-1:1:key/a" });
        });

        it("shows credentials and keys to curl's standard input only", async () => {
            await run("publish-keys.sh", ["start"]);
            const given = bench.read("stdin");
            expect(given).toContain(`user = "ASIAEXAMPLE:${secret}"`);
            expect(given).toContain('header = "X-Amz-Security-Token: session+token=="');
            for (const call of bench.calls) {
                expect(call).not.toMatch(/wJalr|session\+|ASIA|BEGIN/);
            }
        });

        it("asks the metadata service the IMDSv2 way only", async () => {
            await run("publish-keys.sh", ["start"]);
            expect(bench.calls[0]).toContain("-X PUT -H X-aws-ec2-metadata-token-ttl-seconds: 300");
            expect(bench.read("stdin")).toContain('header = "X-aws-ec2-metadata-token: imds-session"');
        });

        it("gets over a metadata service that is slow at boot, and a refusal", async () => {
            bench.write("slow", "");
            bench.write("denied", "");
            layOut({ publish_limit: 20 });
            expect((await run("publish-keys.sh", ["start"])).status).toBe(0);
            expect(request().Value).toBe(bench.read("tls/client.pem"));
        });

        it("says what SSM says when it stays refused", async () => {
            bench.stub("rm", "exit 0");
            bench.write("denied", "");
            const result = await run("publish-keys.sh", ["start"]);
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
            expect((await run("publish-keys.sh", ["start"])).status).toBe(0);
            const set = bench.calls.indexOf(`date -u -s ${inAYear}`);
            expect(set).toBeGreaterThan(0);
            expect(set).toBeLessThan(bench.calls.findIndex((call) => call.startsWith("date -u -d @")));
            expect(bench.read("console")).toMatch(/the clock was wrong by -\d{8} s: set by the metadata service/);

            bench.write("calls", "");
            bench.write("their-date", new Date(Date.now() + 20_000).toUTCString());
            await run("publish-keys.sh", ["start"]);
            expect(bench.calls.filter((call) => call.startsWith("date -u -s"))).toEqual([]);
        });

        it("publishes the same keys again, and says when somebody had changed them", async () => {
            await run("publish-keys.sh", ["start"]);
            const published = request().Value;
            expect((await run("publish-keys.sh", ["again"])).stderr).toBe("");
            expect(request().Value).toBe(published);
            bench.write("stored", "40\n");
            expect((await run("publish-keys.sh", ["again"])).stderr).toContain(
                "somebody has changed or deleted /native-buildx/prod/arm64/keys",
            );
            expect((await run("publish-keys.sh", ["again"])).stderr).toBe("");
        });

        it("renews: other keys are where BuildKit takes them once they are published, and not before", async () => {
            await run("publish-keys.sh", ["start"]);
            const before = bench.read("tls/cert.pem");
            bench.write("denied", "");
            expect((await run("publish-keys.sh", ["renew"])).status).not.toBe(0);
            expect(bench.read("tls/cert.pem")).toBe(before);
            expect((await run("publish-keys.sh", ["renew"])).status).toBe(0);
            expect(bench.read("tls/cert.pem")).not.toBe(before);
            expect(request().Value).toBe(bench.read("tls/client.pem"));
        });

        it("puts a word in place of the keys when the runner stops", async () => {
            await run("publish-keys.sh", ["start"]);
            await run("publish-keys.sh", ["stop"]);
            expect(request().Value).toBe("stopped");
        });
    });

    it("firewall.sh keeps build steps off the metadata service before CNI's rules, and off the runner and each other", async () => {
        bench.stub("iptables", 'case " $* " in *" -C "*) exit 1 ;; esac');
        bench.stub("ip6tables", 'case " $* " in *" -C "*) exit 1 ;; esac');
        layOut();
        expect((await run("firewall.sh")).status).toBe(0);
        const made = bench.calls.filter((call) => call.includes(" -I "));
        expect(made).toContain("iptables -w -t mangle -I FORWARD -i buildkit0 -d 169.254.169.254/32 -j DROP");
        expect(made).toContain("iptables -w -t mangle -I FORWARD -i buildkit0 -o buildkit0 -j DROP");
        expect(made).toContain("iptables -w -t filter -I INPUT -i buildkit0 -j REJECT");
    });

    describe("idle.sh", () => {
        const row = (ageSeconds: number) => {
            const ended = new Date(Date.now() - ageSeconds * 1000).toISOString().replace(/\.\d+Z/, "Z");
            return `COMPLETE\tref\t${ended}\t${ended}\t1\t\n`;
        };
        const header = "TYPE\tREF\tCREATED\tCOMPLETED\tGENERATION\tPINNED\n";
        const running = "STARTED\tref\t2026-01-01T00:00:00Z\t\t1\t\n";

        beforeEach(() => {
            bench.stub("buildctl", '[ ! -e "$bench/silent" ] || exit 1; cat "$bench/histories"');
            bench.stub("iptables", '[ ! -e "$bench/on-iptables" ] || . "$bench/on-iptables"');
            bench.stub("ip6tables");
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
            layOut({
                idle_seconds: 1,
                failed_seconds: 1,
                look_seconds: 1,
                grace_seconds: 3,
                publish_seconds: 1000,
            });
        });

        const rules = () =>
            bench.calls.filter((call) => call.startsWith("iptables")).map((call) => call.replace("iptables -w ", ""));
        const close = "-I INPUT -p tcp --dport 9753 --syn -j REJECT --reject-with tcp-reset";
        const freeze = "-I INPUT -p tcp --dport 9753 -j DROP";

        it("closes the port, freezes it, and powers off when nothing was built for long enough", async () => {
            bench.write("histories", header + row(3600));
            const result = await run("idle.sh");
            expect(result.status).toBe(0);
            expect(rules()).toEqual([close, freeze]);
            expect(bench.calls.filter((call) => !call.startsWith("sleep")).slice(-2)).toEqual([
                "systemctl stop buildkit.service",
                "systemctl poweroff",
            ]);
        });

        it("stays awake while a build runs, and after one has ended", async () => {
            bench.write("histories", header + row(3600) + running);
            expect((await run("idle.sh", [], 3)).status).toBe(-1);
            bench.write("histories", header + row(-30));
            expect((await run("idle.sh", [], 3)).status).toBe(-1);
            expect(rules()).toEqual([]);
        });

        it("reopens the port for a client that begins a build after it closed", async () => {
            bench.write("connections", "ESTAB 0 0 10.0.0.9:9753 203.0.113.7:40000\n");
            bench.write("on-iptables", `printf '${header}${running}' >"$bench/histories"`);
            expect((await run("idle.sh", [], 3)).status).toBe(-1);
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
            expect((await run("idle.sh", [], 3)).status).toBe(-1);
            expect(bench.read("off")).toBe("");
            expect(rules().slice(0, 4)).toEqual([close, freeze, freeze.replace("-I", "-D"), close.replace("-I", "-D")]);
        });

        it("is not kept awake by an open connection without a build", async () => {
            bench.write("connections", "ESTAB 0 0 10.0.0.9:9753 203.0.113.7:40000\n");
            expect((await run("idle.sh")).status).toBe(0);
            expect(bench.read("off")).toBe("off\n");
        });

        it("powers off a runner whose BuildKit never comes up", async () => {
            bench.write("silent", "");
            expect((await run("idle.sh")).status).toBe(0);
            expect(bench.read("off")).toBe("off\n");
        });

        it("waits for a first start that is under way", async () => {
            bench.write("silent", "");
            bench.write("active", "activating\n");
            expect((await run("idle.sh", [], 3)).status).toBe(-1);
            expect(bench.read("off")).toBe("");
        });

        it("never stops where that is configured", async () => {
            layOut({ idle_seconds: 0, failed_seconds: 0, look_seconds: 1 });
            bench.write("silent", "");
            bench.write("failed", "");
            expect((await run("idle.sh", [], 3)).status).toBe(-1);
            expect(bench.read("off")).toBe("");
        });

        it("does not wait for the end of its idle time when its start has failed", async () => {
            layOut({ idle_seconds: 1000, failed_seconds: 1, look_seconds: 1, grace_seconds: 1 });
            bench.write("silent", "");
            expect((await run("idle.sh", [], 3)).status).toBe(-1);
            bench.write("failed", "");
            expect((await run("idle.sh")).status).toBe(0);
            expect(bench.read("off")).toBe("off\n");
        });

        /** Looks after its keys at every look; publish-keys.sh and openssl are stand-ins. */
        const caresForKeys = async (openssl: string) => {
            layOut({ idle_seconds: 1000, failed_seconds: 1000, look_seconds: 1, grace_seconds: 1, publish_seconds: 0 });
            bench.write("lib/publish-keys.sh", `#!/bin/sh\necho "publish-keys.sh $1" >>'${bench.path("calls")}'\n`);
            await bench.run(["chmod", "+x", bench.path("lib/publish-keys.sh")]);
            bench.stub("openssl", openssl);
            expect((await run("idle.sh", [], 3)).status).toBe(-1);
            return bench.calls.filter((call) => /^(publish-keys|systemctl (stop|restart))/.test(call));
        };
        /** They are good now, and not for another fifteen days. */
        const halfway = 'case $* in *"-checkend 0 "*) exit 0 ;; esac; exit 1';

        it("publishes its keys again and again, whatever others do to the parameter", async () => {
            const done = await caresForKeys("");
            expect(done.length).toBeGreaterThan(1);
            expect(new Set(done)).toEqual(new Set(["publish-keys.sh again"]));
            expect(rules()).toEqual([]);
        });

        it("renews keys of which half the time is left when nothing is built, with the port closed", async () => {
            const done = await caresForKeys(halfway);
            expect(done.slice(0, 3)).toEqual([
                "publish-keys.sh renew",
                "systemctl stop buildkit.service",
                "systemctl restart buildkit.service",
            ]);
            expect(rules().slice(0, 4)).toEqual([close, freeze, freeze.replace("-I", "-D"), close.replace("-I", "-D")]);
        });

        it("leaves renewing for later where a build has just ended", async () => {
            bench.write("histories", header + row(5));
            expect(new Set(await caresForKeys(halfway))).toEqual(new Set(["publish-keys.sh again"]));
        });

        it("renews keys that have expired as soon as no build runs", async () => {
            bench.write("histories", header + row(5));
            expect((await caresForKeys("exit 1"))[0]).toBe("publish-keys.sh renew");
        });

        it("collects cache while a build fills the disk, and only then", async () => {
            layOut({ idle_seconds: 1000, failed_seconds: 1000, look_seconds: 1, publish_seconds: 1000 });
            bench.write("histories", header + running);
            expect((await run("idle.sh", [], 2)).status).toBe(-1);
            expect(bench.calls.filter((call) => call.includes("prune"))).toEqual([]);
            // A tenth of 100 GiB is 10,737 MB.
            bench.write("free", "10000000");
            expect((await run("idle.sh", [], 2)).status).toBe(-1);
            expect(bench.calls).toContain("buildctl prune --all --free-storage 21474");
        });

        it("says how long the system's start took", async () => {
            bench.stub("systemctl", "case $* in *Userspace*) echo 5000000 ;; *ActiveEnter*) echo 7430000 ;; esac");
            expect((await run("idle.sh", [], 3)).stderr).toContain("serving 2.4 s after the system's start");
        });
    });
});
