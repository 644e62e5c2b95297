import * as pulumi from "@pulumi/pulumi";
import { localPorts, type Settings } from "../configuration/settings";
import { architectures } from "./architecture";
import { Certificates, type KeyPair } from "./certificates";
import type { Infrastructure } from "./infrastructure";
import { LocalRegistry } from "./runner/local/localRegistry";
import { LocalRunner } from "./runner/local/localRunner";

const serverName = (suffix: string) => `${suffix}.runner.native-buildx.internal`;

/** Stack `dev`: runners and a registry on this machine. */
export function localInfrastructure(settings: Settings, stackFolder: string): Infrastructure {
    const runnerServers = settings.platforms.map((platform): [string, { dnsNames: string[] }] => {
        const { suffix } = architectures[platform];
        return [suffix, { dnsNames: [serverName(suffix)] }];
    });
    const certificates = new Certificates("certificates", {
        servers: { ...Object.fromEntries(runnerServers), registry: { dnsNames: [settings.registryHost] } },
        validityDays: settings.certificateValidityDays,
        renewalDays: settings.certificateRenewalDays,
    });
    const certificateOf = (name: string) => certificates.servers[name] as KeyPair;
    const ports = localPorts(settings);
    const registry = new LocalRegistry("registry", {
        stackFolder,
        host: settings.registryHost,
        port: ports.registry,
        ca: certificates.ca,
        certificate: certificateOf("registry"),
    });
    const runners = settings.platforms.map((platform) => {
        const { suffix } = architectures[platform];
        return new LocalRunner(`runner-${suffix}`, {
            platform,
            stackFolder,
            port: ports[platform],
            idleMinutes: settings.idleMinutes,
            cacheGigabytes: settings.cacheGigabytes,
            serverName: serverName(suffix),
            certificate: certificateOf(suffix),
            registry,
        });
    });
    const repositoryUrl = pulumi.output(`${registry.address}/${pulumi.getProject().toLowerCase()}`);
    return {
        runners,
        ca: certificates.ca,
        client: certificates.client,
        repositoryUrl,
        repositoryOf: (image) => pulumi.interpolate`${repositoryUrl}/${image}`,
        // The runner's own cache is on the same disk as the registry would keep it on.
        cache: "none",
    };
}
