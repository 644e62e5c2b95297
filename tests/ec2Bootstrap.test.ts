import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import * as path from "node:path";
import {
    type BootstrapSettings,
    defaultBuildkitRelease,
    renderUserData,
    runnerPaths,
    userDataLimit,
} from "../components/runner/ec2Bootstrap";
import { shells, Workbench } from "./ec2Scripts";

// The idle rule counts in seconds.
jest.setTimeout(30_000);

const settings: BootstrapSettings = {
    region: "eu-central-1",
    ssmEndpoint: "https://ssm.eu-central-1.amazonaws.com",
    parameters: "/native-buildx/prod/arm64",
    cacheDevice: "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0",
    buildkitUrl: "https://mirror.example.com/buildkit-v0.31.1.linux-arm64.tar.gz",
    buildkitSha256: "a".repeat(64),
    port: 9753,
    idleMinutes: 20,
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

    it("fits into what EC2 takes, with room for long names", () => {
        expect(Buffer.byteLength(userData)).toBeLessThan(userDataLimit - 1000);
    });

    it("is refused when it does not fit", () => {
        expect(() => renderUserData({ ...settings, buildkitConfig: `x = "${"x".repeat(userDataLimit)}"\n` })).toThrow(
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
                "native-buildx-cache.service native-buildx-certificate.service native-buildx-firewall.service buildkit.service",
        );
    });

    it.each(shells)("is a script that %s can read, as is each script in it", async (_name, shell) => {
        const bench = new Workbench();
        const scripts = Object.entries(filesOf(userData)).filter(([name]) => name.endsWith(".sh"));
        expect(scripts.map(([name]) => path.basename(name)).sort()).toEqual([
            "common.sh",
            "fetch-certificate.sh",
            "firewall.sh",
            "idle-rule.sh",
            "idle.sh",
            "install.sh",
            "mount-cache.sh",
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
        expect(called).toHaveLength(5);
        for (const script of called) {
            expect(Object.keys(files)).toContain(script);
        }
        expect(files["/etc/systemd/system/buildkit.service"]).toContain(`--config ${runnerPaths.buildkitConfig}\n`);
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
        const all = { cache_directory: bench.path("cache"), installed_marker: bench.path("installed"), ...changes };
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

    describe("fetch-certificate.sh", () => {
        const secret = "wJalr/XUtn+FEMI=";
        /** Answers as the metadata service and SSM do; notes what comes on standard input. */
        const curl = `
for url; do :; done
stdin=
case " $* " in *" -K - "*) stdin=$(cat); printf '%s\\n' "$stdin" >>"$bench/stdin" ;; esac
case $url in
*/api/token)
    if [ -e "$bench/slow" ] && [ "$(grep -c api/token "$bench/calls")" -lt 3 ]; then echo 'curl: (28) timed out' >&2; exit 28; fi
    printf imds-session ;;
*/security-credentials/) printf 'runner-role' ;;
*/security-credentials/runner-role)
    printf '{\\n  "Code" : "Success",\\n  "AccessKeyId" : "ASIAEXAMPLE",\\n  "SecretAccessKey" : "${secret.replace("/", "\\\\/")}",\\n  "Token" : "session+token=="\\n}' ;;
https://ssm*)
    if [ -e "$bench/denied" ]; then printf '{"__type":"AccessDeniedException","Message":"not authorized"}'; exit 22; fi
    case "$*" in
    *arm64/ca\\"*) kind=CA ;;
    *arm64/certificate\\"*) kind=CERTIFICATE ;;
    *) kind=KEY ;;
    esac
    printf '{"Parameter":{"ARN":"x","Name":"y","Value":"-----BEGIN %s-----\\\\nMIIB+/\\\\u003d\\\\n-----END %s-----\\\\n","Version":1}}' $kind $kind ;;
esac
`;
        beforeEach(() => {
            bench.stub("curl", curl);
            layOut();
        });

        it("writes certificate, key and authority, readable by nobody else", async () => {
            const result = await run("fetch-certificate.sh", [bench.path("tls"), "5"]);
            expect(result).toEqual({ status: 0, stdout: "", stderr: "" });
            expect(readdirSync(bench.path("tls")).sort()).toEqual(["ca.pem", "cert.pem", "key.pem"]);
            expect(bench.read("tls/cert.pem")).toBe(
                "-----BEGIN CERTIFICATE-----\nMIIB+/=\n-----END CERTIFICATE-----\n",
            );
            expect(bench.read("tls/key.pem")).toContain("BEGIN KEY");
            expect(statSync(bench.path("tls/key.pem")).mode & 0o777).toBe(0o600);
        });

        it("shows credentials to curl's standard input only", async () => {
            await run("fetch-certificate.sh", [bench.path("tls"), "5"]);
            const given = bench.read("stdin");
            expect(given).toContain(`user = "ASIAEXAMPLE:${secret}"`);
            expect(given).toContain('header = "X-Amz-Security-Token: session+token=="');
            for (const call of bench.calls) {
                expect(call).not.toMatch(/wJalr|session|ASIA/);
            }
        });

        it("asks the metadata service the IMDSv2 way only", async () => {
            await run("fetch-certificate.sh", [bench.path("tls"), "5"]);
            expect(bench.calls[0]).toContain("-X PUT -H X-aws-ec2-metadata-token-ttl-seconds: 300");
            expect(bench.read("stdin")).toContain('header = "X-aws-ec2-metadata-token: imds-session"');
        });

        it("gets over a metadata service that is slow at boot", async () => {
            bench.write("slow", "");
            const result = await run("fetch-certificate.sh", [bench.path("tls"), "10"]);
            expect(result.status).toBe(0);
        });

        it("says what SSM says when it is refused, and leaves the old files", async () => {
            bench.write("denied", "");
            bench.write("tls/cert.pem", "old");
            const result = await run("fetch-certificate.sh", [bench.path("tls"), "1"]);
            expect(result.status).toBe(1);
            expect(bench.read("console")).toContain("/native-buildx/prod/arm64/ca: ");
            expect(bench.read("console")).toContain("AccessDeniedException");
            expect(bench.read("console")).not.toMatch(/wJalr|session\+token|ASIA/);
            expect(bench.read("tls/cert.pem")).toBe("old");
        });
    });

    it("firewall.sh keeps build steps off the metadata service before CNI's rules, and off the runner", async () => {
        bench.stub("iptables", 'case " $* " in *" -C "*) exit 1 ;; esac');
        bench.stub("ip6tables", 'case " $* " in *" -C "*) exit 1 ;; esac');
        layOut();
        expect((await run("firewall.sh")).status).toBe(0);
        const made = bench.calls.filter((call) => call.includes(" -I "));
        expect(made).toContain("iptables -w -t mangle -I FORWARD -i buildkit0 -d 169.254.169.254/32 -j DROP");
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
            // The certificate has not expired.
            bench.stub("openssl");
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
                refresh_seconds: 1000,
                tls_directory: bench.path("tls"),
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

        /** The parameters hold another certificate than the one that is served. */
        const renewCertificate = async (refreshSeconds: number) => {
            bench.write("tls/served.pem", "old");
            layOut({
                idle_seconds: 1000,
                failed_seconds: 1000,
                look_seconds: 1,
                refresh_seconds: refreshSeconds,
                tls_directory: bench.path("tls"),
            });
            bench.write(
                "lib/fetch-certificate.sh",
                '#!/bin/sh\nmkdir -p "$1"; for file in ca cert key; do echo new >"$1/$file.pem"; done\n',
            );
            await bench.run(["chmod", "+x", bench.path("lib/fetch-certificate.sh")]);
            bench.stub(
                "systemctl",
                'case $1 in restart) cat "$bench/tls/ca.pem" "$bench/tls/cert.pem" >"$bench/tls/served.pem" ;; esac',
            );
        };
        const restarts = () => bench.calls.filter((call) => /^systemctl (stop|restart) /.test(call));

        it("starts BuildKit with a renewed certificate when nothing is built", async () => {
            await renewCertificate(1);
            expect((await run("idle.sh", [], 3)).status).toBe(-1);
            expect(restarts()).toEqual(["systemctl stop buildkit.service", "systemctl restart buildkit.service"]);
            expect(rules()).toEqual([close, freeze, freeze.replace("-I", "-D"), close.replace("-I", "-D")]);
            expect(bench.read("tls/key.pem")).toBe("new\n");
        });

        it("leaves a renewed certificate for later where a build has just ended", async () => {
            bench.write("histories", header + row(5));
            await renewCertificate(1);
            expect((await run("idle.sh", [], 3)).status).toBe(-1);
            expect(restarts()).toEqual([]);
        });

        it("takes a renewed certificate at once when the one it serves has expired", async () => {
            bench.stub("openssl", "exit 1");
            bench.write("histories", header + row(5));
            await renewCertificate(1000);
            expect((await run("idle.sh", [], 3)).status).toBe(-1);
            expect(restarts().slice(0, 2)).toEqual([
                "systemctl stop buildkit.service",
                "systemctl restart buildkit.service",
            ]);
        });

        it("says how long the system's start took", async () => {
            bench.stub("systemctl", "case $* in *Userspace*) echo 5000000 ;; *ActiveEnter*) echo 7430000 ;; esac");
            expect((await run("idle.sh", [], 3)).stderr).toContain("serving 2.4 s after the system's start");
        });
    });
});
