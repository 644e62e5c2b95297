import { lookup } from "node:dns/promises";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import * as path from "node:path";
import { architectures, type Platform } from "../components/architecture";
import { dataFolder, trustFolder } from "../components/dataFolder";
import { localPorts, type Settings } from "./settings";

/** The longest path of a unix socket (sockaddr_un in unix(7)). */
const longestSocketPath = 107;

/** What keeps this machine from being the stack's runners and registry, each as one line: setting, reason, remedy. */
export async function machineMistakes(
    settings: Pick<Settings, "platforms" | "localPort" | "registryHost">,
    stackFolder: string,
): Promise<string[]> {
    const { platforms } = settings;
    const folder = path.join(dataFolder(), stackFolder);
    return [
        ...platforms.flatMap(emulationMistakes),
        ...(await hostMistakes(settings.registryHost)),
        ...(await portMistakes(settings, platforms, folder)),
        ...trustMistakes(),
        ...socketMistakes(folder),
    ];
}

function emulationMistakes(platform: Platform): string[] {
    const { nodeArch, binfmt } = architectures[platform];
    const registration = path.join("/proc/sys/fs/binfmt_misc", binfmt);
    if (nodeArch === process.arch) {
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

async function hostMistakes(host: string): Promise<string[]> {
    const remedy = `echo '127.0.0.1 ${host}' | sudo tee -a /etc/hosts`;
    if (host === "localhost" || /^[0-9.:[\]]+$/.test(host) || !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host)) {
        return [`registryHost: "${host}" must be a host name other than localhost, and no address`];
    }
    try {
        const { address } = await lookup(host, { family: 4 });
        if (address.startsWith("127.")) {
            return [];
        }
        return [
            `registryHost: ${host} leads to ${address}, not to this machine alone; choose another name, or: ${remedy}`,
        ];
    } catch {
        return [`registryHost: ${host} is not known on this machine; run tools/setup.sh as root, or: ${remedy}`];
    }
}

async function portMistakes(
    settings: Pick<Settings, "localPort">,
    platforms: Platform[],
    folder: string,
): Promise<string[]> {
    const ports = localPorts(settings);
    const users: [string, number, string][] = [
        ["the registry", ports.registry, path.join(folder, "registry")],
        ...platforms.map((platform): [string, number, string] => [
            `the ${platform} runner`,
            ports[platform],
            path.join(folder, architectures[platform].suffix),
        ]),
    ];
    const mistakes = users.map(async ([user, port, own]) => {
        if (runs(path.join(own, "pid")) || (await isFree(port))) {
            return [];
        }
        return [
            `localPort: port ${port}, for ${user}, is in use by something else; end that, or choose another first port ` +
                `(${users.length} in a row are used): pulumi config set localPort NUMBER`,
        ];
    });
    return (await Promise.all(mistakes)).flat();
}

/** Whether the process of a pid file is alive: then the port is ours. */
function runs(file: string): boolean {
    try {
        process.kill(Number(readFileSync(file, "utf8")), 0);
        return true;
    } catch {
        return false;
    }
}

function isFree(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const server = createServer();
        server.once("error", () => resolve(false));
        server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
    });
}

/** Go programs, buildx among them, read SSL_CERT_DIR of the environment they were started in. */
function trustMistakes(): string[] {
    const wanted = path.join(dataFolder(), trustFolder);
    if ((process.env.SSL_CERT_DIR ?? "").split(":").includes(wanted)) {
        return [];
    }
    return [
        `SSL_CERT_DIR: does not name ${wanted}, so the local registry's certificate would not be trusted; ` +
            "run this in the project's folder first: . ./tools/env.sh",
    ];
}

function socketMistakes(folder: string): string[] {
    const socket = path.join(folder, "amd64", "buildkitd.sock");
    if (socket.length <= longestSocketPath) {
        return [];
    }
    return [
        `NATIVE_BUILDX_HOME: ${dataFolder()} is too long a path by ${socket.length - longestSocketPath} characters for a ` +
            "unix socket; set it to a shorter one",
    ];
}
