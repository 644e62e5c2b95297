import { lookup } from "node:dns/promises";
import * as path from "node:path";
import { dataFolder } from "../../localMachine/dataFolder";
import { portMistakes } from "../../localMachine/ports";
import { hostNameMistakes } from "./hostName";

/** Why this machine cannot be the stack's registry, each reason as one line: setting, reason, remedy. */
export async function registryMachineMistakes(
    { registryHost, localPort }: { registryHost: string; localPort: number },
    stackFolder: string,
): Promise<string[]> {
    const folder = path.join(dataFolder(), stackFolder, "registry");
    return [
        ...(await hostMistakes(registryHost)),
        ...(await portMistakes([{ name: "the registry", port: localPort, folder }])),
    ];
}

async function hostMistakes(host: string): Promise<string[]> {
    const remedy = `echo '127.0.0.1 ${host}' | sudo tee -a /etc/hosts`;
    const mistakes = hostNameMistakes(host);
    if (mistakes.length > 0) {
        return mistakes;
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
