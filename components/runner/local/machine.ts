import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { architectures, type Platform } from "../../architecture";
import { dataFolder } from "../../localMachine/dataFolder";
import { portMistakes } from "../../localMachine/ports";
import { runnerPort } from "../../localMachine/settings";
import { namedRunners } from "../runnerNames";

/** The longest path of a unix socket (sockaddr_un in unix(7)). */
const longestSocketPath = 107;

/** Why this machine cannot be the stack's runners, each reason as one line: setting, reason, remedy. */
export async function machineMistakes(
    settings: { platforms: readonly Platform[]; runnersPerPlatform: number; localPort: number },
    stackFolder: string,
): Promise<string[]> {
    const { platforms, runnersPerPlatform, localPort } = settings;
    const runners = namedRunners(platforms, runnersPerPlatform).map(({ runner, platform, at }) => ({
        name: `the ${platform} runner`,
        port: runnerPort(localPort, platform, at),
        folder: path.join(dataFolder(), stackFolder, runner),
    }));
    return [
        ...platforms.flatMap(emulationMistakes),
        ...(await portMistakes(runners)),
        ...socketMistakes(runners.map(({ folder }) => folder)),
    ];
}

function emulationMistakes(platform: Platform): string[] {
    const registration = path.join("/proc/sys/fs/binfmt_misc", architectures[platform].binfmt);
    if (isNative(platform)) {
        return [];
    }
    const rule = existsSync(registration) ? readFileSync(registration, "utf8") : "";
    if (rule.startsWith("enabled") && /^flags:.*F/m.test(rule)) {
        return [];
    }
    return [
        `platforms: ${platform} is foreign to this machine and QEMU is not registered for it (${registration}, flag F); ` +
            "run tools/setup.sh as root, or take the platform out",
    ];
}

/** Whether this machine runs the platform's programs itself. */
function isNative(platform: Platform): boolean {
    const { nodeArch, thirtyTwoBitOf } = architectures[platform];
    return (
        nodeArch === process.arch ||
        (thirtyTwoBitOf !== undefined &&
            architectures[thirtyTwoBitOf].nodeArch === process.arch &&
            spawnSync("setarch", ["linux32", "true"]).status === 0)
    );
}

function socketMistakes(folders: string[]): string[] {
    const longest = Math.max(0, ...folders.map((folder) => path.join(folder, "buildkitd.sock").length));
    if (longest <= longestSocketPath) {
        return [];
    }
    return [
        `NATIVE_BUILDX_HOME: ${dataFolder()} is too long a path by ${longest - longestSocketPath} characters for a ` +
            "unix socket; set it to a shorter one",
    ];
}
