import * as pulumi from "@pulumi/pulumi";
import { localPorts, type Settings } from "../configuration/settings";
import { architectures } from "./architecture";
import type { Infrastructure } from "./infrastructure";
import { LocalRegistry } from "./registry/local/localRegistry";
import { LocalRunner } from "./runner/local/localRunner";

/** Stack `dev`: runners and a registry on this machine. */
export function localInfrastructure(settings: Settings, stackFolder: string): Infrastructure {
    const ports = localPorts(settings);
    const registry = new LocalRegistry("registry", {
        stackFolder,
        host: settings.registryHost,
        port: ports.registry,
    });
    const runners = settings.platforms.map((platform) => {
        const { suffix } = architectures[platform];
        return new LocalRunner(`runner-${suffix}`, {
            platform,
            stackFolder,
            port: ports[platform],
            idleMinutes: settings.idleMinutes,
            cacheGigabytes: settings.cacheGigabytes,
            serverName: `${suffix}.runner.native-buildx.internal`,
            registry,
            registryMirrors: settings.registryMirrors,
        });
    });
    const repositoryUrl = pulumi.output(`${registry.address}/${pulumi.getProject().toLowerCase()}`);
    return {
        runners,
        repositoryUrl,
        repositoryOf: (image) => pulumi.interpolate`${repositoryUrl}/${image}`,
        // The runner's own cache is on the same disk as the registry would keep it on.
        cache: "none",
    };
}
