import { readFileSync } from "node:fs";
import * as path from "node:path";
import type { Platform } from "../architecture";
import { secondsPerMinute } from "./runner";

/** Where BuildKit comes from. */
export interface BuildkitRelease {
    /** Replaces `{version}` in `url`. */
    version: string;
    /** Address of the release archive; `{version}` and `{arch}` (`amd64`, `arm64`) are replaced. A company mirror fits here. */
    url: string;
    /** SHA-256 of each platform's archive, in hex. A runner refuses any other file. */
    sha256: { [P in Platform]?: string };
}

/**
 * The release that is tested with this program. The checksums are those that containerd/nerdctl pins for the same files
 * (its `Dockerfile.d/SHA256SUMS.d/buildkit-v0.31.1`, commit 5c98de18af2e); docs/aws.md says how to get others.
 */
export const defaultBuildkitRelease: BuildkitRelease = {
    version: "v0.31.1",
    url: "https://github.com/moby/buildkit/releases/download/{version}/buildkit-{version}.linux-{arch}.tar.gz",
    sha256: {
        "linux/amd64": "1fc78750d0c96bdc18799a3c0b551d6807bd4939e8cd79e357823e467451e16e",
        "linux/arm64": "a4c9bef205f61c1e4253bdfd196e1db303aca25e8756105d75c6fddfbab7903f",
    },
};

/** Paths and names on the runner that more than one of its files must agree on. */
export const runnerPaths = {
    library: "/usr/local/lib/native-buildx",
    /** Where the cache volume is mounted. */
    cache: "/var/lib/buildkit",
    /** BuildKit's own state, beside the file system's lost+found. */
    buildkitRoot: "/var/lib/buildkit/root",
    buildkitConfig: "/etc/native-buildx/buildkitd.toml",
    socket: "/run/buildkit/buildkitd.sock",
    otelSocket: "/run/buildkit/otel-grpc.sock",
    /** In memory: keys are never written to a disk. */
    tls: "/run/native-buildx",
    installedMarker: "/var/lib/native-buildx/installed",
} as const;

/** Network of the build steps, in which they reach the internet but neither the metadata service nor the runner. */
export const buildNetwork = { bridge: "buildkit0", subnet: "10.209.0.0/16" } as const;

/** What a runner has to know, all of it plain and none of it secret. */
export interface BootstrapSettings {
    region: string;
    /** Where SSM is asked: the region's public address, or that of a VPC endpoint. No trailing slash. */
    ssmEndpoint: string;
    /** Prefix of its parameters `ca`, `certificate` and `key`, without a trailing slash. */
    parameters: string;
    /** Device node of the cache volume (may be a shell pattern), or empty for a cache on the root disk. */
    cacheDevice: string;
    buildkitUrl: string;
    buildkitSha256: string;
    /** Port of BuildKit. */
    port: number;
    idleMinutes: number;
    /** Text of buildkitd.toml. */
    buildkitConfig: string;
}

/** The most that EC2 takes (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html). */
export const userDataLimit = 16 * 1024;

/** Names on the runner, and where their text is. */
const scripts: { [name: string]: string } = {
    "common.sh": "ec2/common.sh",
    "install.sh": "ec2/install.sh",
    "mount-cache.sh": "ec2/mount-cache.sh",
    "fetch-certificate.sh": "ec2/fetch-certificate.sh",
    "firewall.sh": "ec2/firewall.sh",
    "idle-rule.sh": "idle.sh",
    "idle.sh": "ec2/idle.sh",
};

/** In the order in which they are enabled: the one that stops a runner that fails comes first. */
const units = [
    "native-buildx-idle.service",
    "native-buildx-install.service",
    "native-buildx-cache.service",
    "native-buildx-certificate.service",
    "native-buildx-firewall.service",
    "buildkit.service",
];

/**
 * The instance's user data: a shell script that cloud-init runs once, at the first boot. It only writes files and starts
 * units; what a start does is in the units, so that it is repeated at every start, and done again if it was cut short.
 *
 * Plain text, not gzip: the bytes of gzip differ between machines and versions of Node, and every difference would
 * replace the instance.
 */
export function renderUserData(settings: BootstrapSettings): string {
    const files = [
        { path: `${runnerPaths.library}/settings`, mode: "644", text: renderSettings(settings) },
        ...Object.entries(scripts).map(([name, source]) => ({
            path: `${runnerPaths.library}/${name}`,
            mode: "755",
            text: readPart(source),
        })),
        { path: runnerPaths.buildkitConfig, mode: "644", text: withoutComments(settings.buildkitConfig) },
        ...units.map((name) => ({ path: `/etc/systemd/system/${name}`, mode: "644", text: readPart(`ec2/${name}`) })),
    ];
    const userData = [
        "#!/bin/sh",
        "# native-buildx: sets this machine up as a build runner. The commented originals are in components/runner/ec2.",
        "set -eu",
        "umask 022",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
        'put() { mkdir -p "${2%/*}" && cat >"$2" && chmod "$1" "$2"; }',
        ...files.map((file) => `put ${file.mode} ${file.path} <<'${endOfFile}'\n${checked(file)}${endOfFile}`),
        "systemctl daemon-reload",
        `systemctl enable --now --no-block ${units.join(" ")}`,
        "",
    ].join("\n");
    const size = Buffer.byteLength(userData);
    if (size > userDataLimit) {
        throw new Error(
            `The runner's user data has ${size} bytes, and EC2 takes ${userDataLimit}: shorten the scripts in components/runner/ec2`,
        );
    }
    return userData;
}

const endOfFile = "END-OF-FILE";

function checked(file: { path: string; text: string }): string {
    if (file.text.split("\n").includes(endOfFile)) {
        throw new Error(`${file.path} has a line ${endOfFile}, which would end it early in the user data`);
    }
    return file.text.endsWith("\n") ? file.text : `${file.text}\n`;
}

function renderSettings(settings: BootstrapSettings): string {
    const idleSeconds = Math.round(settings.idleMinutes * secondsPerMinute);
    const values: { [name: string]: string | number } = {
        region: settings.region,
        ssm_endpoint: settings.ssmEndpoint,
        parameters: settings.parameters,
        cache_device: settings.cacheDevice,
        cache_directory: runnerPaths.cache,
        // An attachment follows its instance by seconds; one that was asked for during an `up` that failed never comes.
        cache_wait_seconds: 600,
        buildkit_url: settings.buildkitUrl,
        buildkit_sha256: settings.buildkitSha256,
        installed_marker: runnerPaths.installedMarker,
        tls_directory: runnerPaths.tls,
        socket: runnerPaths.socket,
        port: settings.port,
        bridge: buildNetwork.bridge,
        idle_seconds: idleSeconds,
        // A runner whose start has failed for good.
        failed_seconds: Math.min(30, idleSeconds),
        look_seconds: Math.min(15, Math.max(1, Math.floor(idleSeconds / 4))),
        // From a client's connection to its first build there are well under ten seconds.
        grace_seconds: 10,
        refresh_seconds: 60,
    };
    return Object.entries(values)
        .map(([name, value]) => `${name}=${quote(String(value))}\n`)
        .join("");
}

/** One word of shell, whatever it holds. */
function quote(text: string): string {
    return `'${text.replaceAll("'", "'\\''")}'`;
}

function readPart(source: string): string {
    return withoutComments(readFileSync(path.join(__dirname, source), "utf8"));
}

/** Lines that are only comment or blank stay in the repository: user data is short of room. */
function withoutComments(text: string): string {
    return text.replace(/^[ \t]*(#(?!!).*)?\n/gm, "");
}
