import { readFileSync } from "node:fs";
import * as path from "node:path";
import { gzipSync } from "fflate";
import { architectures, type Platform } from "../../architecture";
import { shellQuote, withoutComments } from "../../shell";
import { buildNetwork, buildNetworkConfig } from "../buildNetwork";

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
 * The release that is tested with this program. The checksums, which the table of architectures has, are those that containerd/nerdctl pins for the same files
 * (its `Dockerfile.d/SHA256SUMS.d/buildkit-v0.31.1`, commit 5c98de18af2e); docs/aws.md says how to get others.
 */
export const defaultBuildkitRelease: BuildkitRelease = {
    version: "v0.31.1",
    url: "https://github.com/moby/buildkit/releases/download/{version}/buildkit-{version}.linux-{arch}.tar.gz",
    sha256: Object.fromEntries(
        Object.values(architectures).map(({ platform, ec2: { buildkitSha256 } }) => [platform, buildkitSha256]),
    ),
};

/** Paths and names on the runner that more than one of its files must agree on. */
export const runnerPaths = {
    /** Where BuildKit is installed. */
    prefix: "/usr/local",
    library: "/usr/local/lib/native-buildx",
    /** Where the cache volume is mounted. */
    cache: "/var/lib/buildkit",
    /** BuildKit's own state, beside the file system's lost+found. */
    buildkitRoot: "/var/lib/buildkit/root",
    buildkitConfig: "/etc/native-buildx/buildkitd.toml",
    networkConfig: "/etc/native-buildx/builds.conflist",
    networkPlugins: "/usr/local/lib/native-buildx/cni",
    socket: "/run/buildkit/buildkitd.sock",
    otelSocket: "/run/buildkit/otel-grpc.sock",
    /** In memory: keys are never written to a disk. */
    tls: "/run/native-buildx",
    /** Control group of the build steps. */
    stepGroup: "native-buildx",
    stepRuntime: "/usr/local/lib/native-buildx/step-runtime.sh",
    installedMarker: "/var/lib/native-buildx/installed",
} as const;

/** What a runner has to know, all of it plain and none of it secret. */
export interface BootstrapSettings {
    region: string;
    /** Where SSM is asked: the region's public address, or that of a VPC endpoint. No trailing slash. */
    ssmEndpoint: string;
    /** Name of the parameter that it publishes its clients' keys in. */
    keysParameter: string;
    /** Where EC2 is asked. No trailing slash. */
    ec2Endpoint: string;
    /** Id of the security group whose rules connect writes; empty where there is none. */
    callersGroup: string;
    /** The longest that it may let anybody in. */
    openForCallerMinutes: number;
    /** ARN of the customer key that encrypts the parameter; empty for the account's own. */
    kmsKeyArn: string;
    /** Names that clients know its server by. */
    serverNames: string[];
    /** Device node of the cache volume (may be a shell pattern), or empty for a cache on the root disk. */
    cacheDevice: string;
    buildkitUrl: string;
    buildkitSha256: string;
    /** Port of BuildKit. */
    port: number;
    idleMinutes: number;
    /** Size of the cache, in bytes. */
    cacheBytes: number;
    /** Throughput of the cache volume, in MiB/s. */
    cacheThroughput: number;
    /** Memory of all build steps together, in MiB; 0: most of the machine's. */
    stepMemoryMegabytes: number;
    /** Text of buildkitd.toml. */
    buildkitConfig: string;
}

/** Bytes; the most that EC2 takes (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html). */
export const userDataLimit = 16 * 1024;

/** Names on the runner, and where their text is. */
const scripts: { [name: string]: string } = {
    "common.sh": "machine/common.sh",
    "install.sh": "machine/install.sh",
    "mount-cache.sh": "machine/mount-cache.sh",
    "keys.sh": "../keys.sh",
    "instance-role.sh": "machine/instance-role.sh",
    "publish-keys.sh": "machine/publish-keys.sh",
    "steps.sh": "../steps.sh",
    "step-runtime.sh": "../stepRuntime.sh",
    "room.sh": "../room.sh",
    "serve.sh": "machine/serve.sh",
    "step-firewall.sh": "../stepFirewall.sh",
    "firewall.sh": "machine/firewall.sh",
    "idle-rule.sh": "../idle.sh",
    "idle.sh": "machine/idle.sh",
};

/** In the order in which they are enabled: the one that stops a runner that fails comes first. */
const units = [
    "native-buildx-idle.service",
    "native-buildx-install.service",
    "native-buildx-cache.service",
    "native-buildx-keys.service",
    "native-buildx-firewall.service",
    "buildkit.service",
];

/** What a runner has besides where connect lets callers in. */
const callersScripts = { "callers.sh": "machine/callers.sh" };
const callersTimer = "native-buildx-callers.timer";

/**
 * The instance's user data: a shell script that cloud-init runs once, at the first boot. It only writes files and starts
 * units; what a start does is in the units, so that it is repeated at every start, and done again if it was cut short.
 */
export function renderUserData(settings: BootstrapSettings): string {
    const letsIn = settings.callersGroup !== "";
    const files = [
        { path: `${runnerPaths.library}/settings`, mode: "644", text: renderSettings(settings) },
        ...Object.entries({ ...scripts, ...(letsIn ? callersScripts : {}) }).map(([name, source]) => ({
            path: `${runnerPaths.library}/${name}`,
            mode: "755",
            text: readPart(source),
        })),
        { path: runnerPaths.buildkitConfig, mode: "644", text: withoutComments(settings.buildkitConfig) },
        { path: runnerPaths.networkConfig, mode: "644", text: JSON.stringify(buildNetworkConfig) },
        ...[...units, ...(letsIn ? ["native-buildx-callers.service", callersTimer] : [])].map((name) => ({
            path: `/etc/systemd/system/${name}`,
            mode: "644",
            text: readPart(`machine/${name}`),
        })),
    ];
    return [
        "#!/bin/sh",
        "# native-buildx: sets this machine up as a build runner. The commented originals are in components/runner/ec2.",
        "set -eu",
        "umask 022",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
        'put() { mkdir -p "${2%/*}" && cat >"$2" && chmod "$1" "$2"; }',
        ...files.map((file) => `put ${file.mode} ${file.path} <<'${endOfFile}'\n${checked(file)}${endOfFile}`),
        "systemctl daemon-reload",
        `systemctl enable --now --no-block ${[...units, ...(letsIn ? [callersTimer] : [])].join(" ")}`,
        "",
    ].join("\n");
}

/**
 * User data as EC2 takes it: gzip, which cloud-init unpacks, in base64. Not by Node, whose zlib compresses differently
 * from version to version, and every difference would replace the instance.
 *
 * @throws Error if it is larger than EC2 takes
 */
export function packUserData(script: string): string {
    const packed = gzipSync(new TextEncoder().encode(script), { level: 9, mtime: 0 });
    if (packed.length > userDataLimit) {
        throw new Error(
            `The runner's user data has ${packed.length} bytes, and EC2 takes ${userDataLimit}: shorten the scripts in components/runner/ec2`,
        );
    }
    return Buffer.from(packed).toString("base64");
}

const endOfFile = "END-OF-FILE";

function checked(file: { path: string; text: string }): string {
    if (file.text.split("\n").includes(endOfFile)) {
        throw new Error(`${file.path} has a line ${endOfFile}, which would end it early in the user data`);
    }
    return file.text.endsWith("\n") ? file.text : `${file.text}\n`;
}

function renderSettings(settings: BootstrapSettings): string {
    const idleSeconds = Math.round(settings.idleMinutes * 60);
    const lowBytes = settings.cacheBytes / 10;
    const values: { [name: string]: string | number } = {
        region: settings.region,
        ssm_endpoint: settings.ssmEndpoint,
        parameter: settings.keysParameter,
        ...(settings.callersGroup
            ? {
                  ec2_endpoint: settings.ec2Endpoint,
                  callers_group: settings.callersGroup,
                  open_seconds: Math.round(settings.openForCallerMinutes * 60),
              }
            : {}),
        kms_key: settings.kmsKeyArn,
        server_names: settings.serverNames.join(" "),
        // At boot: then the start has failed, and the runner stops. One that never stops tries on.
        publish_limit: idleSeconds === 0 ? 1e9 : 300,
        // How long what others do to the parameter lasts.
        publish_seconds: 60,
        // Without a build, before a runner that never stops starts BuildKit with new keys; a job connects and then builds.
        calm_seconds: 600,
        cache_device: settings.cacheDevice,
        cache_directory: runnerPaths.cache,
        // An attachment follows its instance by seconds; one that was asked for during an `up` that failed never comes.
        cache_wait_seconds: 600,
        buildkit_url: settings.buildkitUrl,
        buildkit_sha256: settings.buildkitSha256,
        installed_marker: runnerPaths.installedMarker,
        tls_directory: runnerPaths.tls,
        buildkit_config: runnerPaths.buildkitConfig,
        step_group: runnerPaths.stepGroup,
        step_memory_megabytes: settings.stepMemoryMegabytes,
        socket: runnerPaths.socket,
        port: settings.port,
        prefix: runnerPaths.prefix,
        console: "/dev/console",
        bridge: buildNetwork.bridge,
        cni_directory: runnerPaths.networkPlugins,
        idle_seconds: idleSeconds,
        // A runner whose start has failed for good.
        failed_seconds: Math.min(30, idleSeconds),
        // Between two looks the volume does not take what is free when cache is collected.
        look_seconds: Math.max(
            1,
            Math.floor(Math.min(15, idleSeconds / 4, lowBytes / (settings.cacheThroughput * 2 ** 20))),
        ),
        // From a client's connection to its first build there are well under ten seconds.
        grace_seconds: 10,
        // While a build runs: what is free when cache is collected, and how much is free afterwards.
        low_mb: megabytes(lowBytes),
        room_mb: megabytes(settings.cacheBytes / 5),
    };
    return Object.entries(values)
        .map(([name, value]) => `${name}=${shellQuote(String(value))}\n`)
        .join("");
}

function megabytes(bytes: number): number {
    return Math.floor(bytes / 1e6);
}

function readPart(source: string): string {
    return withoutComments(readFileSync(path.join(__dirname, source), "utf8"));
}
