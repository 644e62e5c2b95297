import { readFileSync } from "node:fs";
import * as path from "node:path";
import { gzipSync } from "fflate";
import { ec2MachinesOf, machinePlatforms, type Platform } from "../../architecture";
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
 * The release that is tested with this program. Its checksums are in the table of architectures. They are those that
 * containerd/nerdctl pins for the same files (its `Dockerfile.d/SHA256SUMS.d/buildkit-v0.31.1`, commit 5c98de18af2e);
 * docs/aws.md says how to get others.
 */
export const defaultBuildkitRelease: BuildkitRelease = {
    version: "v0.31.1",
    url: "https://github.com/moby/buildkit/releases/download/{version}/buildkit-{version}.linux-{arch}.tar.gz",
    sha256: Object.fromEntries(machinePlatforms.map((platform) => [platform, ec2MachinesOf(platform).buildkitSha256])),
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
    /** Of native compilers: what their toolchains are made of, and the toolchains. */
    toolchainRecipe: "/usr/local/lib/native-buildx/toolchain-recipe",
    toolchains: "/var/lib/native-buildx/toolchains",
} as const;

/** What a runner has to know, as plain values, none of them secret. */
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
    /** The longest time for which a caller may be let in. */
    openForCallerMinutes: number;
    /** ARN of the customer key that encrypts the parameter; empty for the account's own. */
    kmsKeyArn: string;
    /** Names in its server certificate. */
    serverNames: string[];
    /** Where it emulates other machines with native compilers. @default it does not */
    emulation?: {
        /** The machines, as QEMU names them. */
        machines: readonly string[];
        /** Names of the parameters with what makes the compilers, and the SHA-256 of it all. */
        recipeParameters: string[];
        recipeSha256: string;
    };
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

interface File {
    path: string;
    mode: string;
    text: string;
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

/** In the order in which they are enabled: first the unit that stops a runner whose start fails. */
const units = [
    "native-buildx-idle.service",
    "native-buildx-install.service",
    "native-buildx-cache.service",
    "native-buildx-keys.service",
    "native-buildx-firewall.service",
    "buildkit.service",
];

/** What a runner also has where connect opens the port to callers. */
const callersScripts = { "callers.sh": "machine/callers.sh" };
const callersTimer = "native-buildx-callers.timer";

/** What a runner has besides where it emulates other machines. */
const emulationScripts = {
    "native-compilers.sh": "machine/native-compilers.sh",
    "emulation.sh": "../emulation/emulation.sh",
    "mount-toolchains.sh": "../emulation/mountToolchains.sh",
};
const emulationUnit = "native-buildx-compilers.service";
/** How BuildKit uses the compilers: it serves before they are made. */
const emulationDropIn = {
    path: "/etc/systemd/system/buildkit.service.d/native-compilers.conf",
    mode: "644",
    text: readPart("machine/native-compilers.conf"),
};

/**
 * The instance's user data: a shell script that cloud-init runs once, at the first boot. It only writes files and starts
 * units. The units do the work of a start, so that every start does it, also after a start that was interrupted.
 */
export function renderUserData(settings: BootstrapSettings): string {
    const letsIn = settings.callersGroup !== "";
    const emulates = settings.emulation !== undefined;
    const enabled = [...units, ...(letsIn ? [callersTimer] : []), ...(emulates ? [emulationUnit] : [])];
    const allScripts = { ...scripts, ...(letsIn ? callersScripts : {}), ...(emulates ? emulationScripts : {}) };
    const files = [
        { path: `${runnerPaths.library}/settings`, mode: "644", text: renderSettings(settings) },
        ...Object.entries(allScripts).map(([name, source]) => ({
            path: `${runnerPaths.library}/${name}`,
            mode: "755",
            text: readPart(source),
        })),
        ...(emulates ? [emulationDropIn] : []),
        { path: runnerPaths.buildkitConfig, mode: "644", text: withoutComments(settings.buildkitConfig) },
        { path: runnerPaths.networkConfig, mode: "644", text: JSON.stringify(buildNetworkConfig) },
        ...[...enabled, ...(letsIn ? ["native-buildx-callers.service"] : [])].map(unitFile),
    ];
    return [
        "#!/bin/sh",
        "# native-buildx: sets this machine up as a build runner. The commented originals are in components/runner/ec2.",
        "set -eu",
        "umask 022",
        ...renderFiles(files),
        "systemctl daemon-reload",
        `systemctl enable --now --no-block ${enabled.join(" ")}`,
        "",
    ].join("\n");
}

/** Lines of shell that write files. */
export function renderFiles(files: File[]): string[] {
    return [
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
        'put() { mkdir -p "${2%/*}" && cat >"$2" && chmod "$1" "$2"; }',
        ...files.map((file) => `put ${file.mode} ${file.path} <<'${endOfFile}'\n${checked(file)}${endOfFile}`),
    ];
}

function unitFile(name: string): File {
    return { path: `/etc/systemd/system/${name}`, mode: "644", text: readPart(`machine/${name}`) };
}

/**
 * gzip. Node's own zlib is not used: its output differs from version to version, and every difference would be a change
 * of the stack.
 */
export function packScript(script: string): Buffer {
    return Buffer.from(gzipSync(new TextEncoder().encode(script), { level: 9, mtime: 0 }));
}

/**
 * User data as EC2 takes it: gzip, which cloud-init unpacks, in base64.
 *
 * @throws Error if it is larger than EC2 takes
 */
export function packUserData(script: string): string {
    const packed = packScript(script);
    if (packed.length > userDataLimit) {
        throw new Error(
            `The runner's user data has ${packed.length} bytes, and EC2 takes ${userDataLimit}: shorten the scripts in components/runner/ec2`,
        );
    }
    return packed.toString("base64");
}

const endOfFile = "END-OF-FILE";

function checked(file: File): string {
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
        // At boot: after that the start has failed, and the runner stops. A runner that never stops tries on.
        publish_limit: idleSeconds === 0 ? 1e9 : 300,
        // How long a change of the parameter by others lasts.
        publish_seconds: 60,
        // Without a build, before a runner that never stops starts BuildKit with new keys: a job connects, and builds later.
        calm_seconds: 600,
        cache_device: settings.cacheDevice,
        cache_directory: runnerPaths.cache,
        // The volume is attached seconds after the instance's start, or never if that `up` failed.
        cache_wait_seconds: 600,
        buildkit_url: settings.buildkitUrl,
        buildkit_sha256: settings.buildkitSha256,
        installed_marker: runnerPaths.installedMarker,
        ...(settings.emulation
            ? {
                  emulates: settings.emulation.machines.join(" "),
                  toolchains: runnerPaths.toolchains,
                  toolchain_recipe: runnerPaths.toolchainRecipe,
                  recipe_parameters: settings.emulation.recipeParameters.join(" "),
                  recipe_sha256: settings.emulation.recipeSha256,
              }
            : {}),
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
        // A runner whose start has failed stops after this.
        failed_seconds: Math.min(30, idleSeconds),
        // Between two looks a build cannot fill the space that is left free.
        look_seconds: Math.max(
            1,
            Math.floor(Math.min(15, idleSeconds / 4, lowBytes / (settings.cacheThroughput * 2 ** 20))),
        ),
        // A client begins its build well under ten seconds after it connects.
        grace_seconds: 10,
        // While a build runs: cache is collected when less than low_mb is free, until room_mb is.
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
