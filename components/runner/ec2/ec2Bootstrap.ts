import { readFileSync } from "node:fs";
import * as path from "node:path";
import { gzipSync } from "fflate";
import { ec2MachinesOf, machinePlatforms, type Platform } from "../../architecture";
import { withoutComments } from "../../shell";
import { buildNetworkConfig } from "../buildNetwork";
import { type BootstrapSettings, renderSettings } from "./bootstrapSettings";
import { runnerPaths } from "./runnerPaths";

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

/** What some runners have besides. */
interface Part {
    scripts: { [name: string]: string };
    /** Is enabled. */
    unit: string;
    files: File[];
}

/** A runner whose port connect opens to callers. */
const lettingIn: Part = {
    scripts: { "callers.sh": "machine/callers.sh" },
    unit: "native-buildx-callers.timer",
    files: [unitFile("native-buildx-callers.service")],
};

/** A runner that emulates other machines. BuildKit serves before the compilers are made. */
const emulating: Part = {
    scripts: {
        "recipe.sh": "machine/recipe.sh",
        "native-compilers.sh": "machine/native-compilers.sh",
        "emulation.sh": "../emulation/emulation.sh",
        "step-mounts.sh": "../stepMounts.sh",
    },
    unit: "native-buildx-compilers.service",
    files: [
        {
            path: "/etc/systemd/system/buildkit.service.d/native-compilers.conf",
            mode: "644",
            text: readPart("machine/native-compilers.conf"),
        },
    ],
};

/** A runner in a compile cluster. */
const clustered: Part = {
    scripts: {
        "recipe.sh": "machine/recipe.sh",
        "compile-cluster.sh": "machine/compile-cluster.sh",
        "step-mounts.sh": "../stepMounts.sh",
    },
    unit: "native-buildx-cluster.service",
    files: [],
};

/**
 * The instance's user data: a shell script that cloud-init runs once, at the first boot. It only writes files and starts
 * units. The units do the work of a start, so that every start does it, also after a start that was interrupted.
 */
export function renderUserData(settings: BootstrapSettings): string {
    const parts = [
        ...(settings.callersGroup !== "" ? [lettingIn] : []),
        ...(settings.emulation ? [emulating] : []),
        ...(settings.cluster ? [clustered] : []),
    ];
    const enabled = [...units, ...parts.map(({ unit }) => unit)];
    const allScripts: Part["scripts"] = Object.assign({}, scripts, ...parts.map((part) => part.scripts));
    const files = [
        { path: `${runnerPaths.library}/settings`, mode: "644", text: renderSettings(settings) },
        ...Object.entries(allScripts).map(([name, source]) => ({
            path: `${runnerPaths.library}/${name}`,
            mode: "755",
            text: readPart(source),
        })),
        ...parts.flatMap((part) => part.files),
        { path: runnerPaths.buildkitConfig, mode: "644", text: withoutComments(settings.buildkitConfig) },
        { path: runnerPaths.networkConfig, mode: "644", text: JSON.stringify(buildNetworkConfig) },
        ...enabled.map(unitFile),
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

function readPart(source: string): string {
    return withoutComments(readFileSync(path.join(__dirname, source), "utf8"));
}
