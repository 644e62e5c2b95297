// The components in a program of one's own: runners and a registry on this machine, and one image for two platforms.
import * as pulumi from "@pulumi/pulumi";
import { architectures, type Platform } from "../../components/architecture";
import { Certificates, type KeyPair } from "../../components/certificates";
import { MultiPlatformImage } from "../../components/image/multiPlatformImage";
import { RemoteBuilder } from "../../components/remoteBuilder/remoteBuilder";
import { LocalRegistry } from "../../components/runner/local/localRegistry";
import { LocalRunner } from "../../components/runner/local/localRunner";

const platforms: Platform[] = ["linux/amd64", "linux/arm64"];
const registryHost = "registry.native-buildx.internal";
const stackFolder = `${pulumi.getProject()}-${pulumi.getStack()}`;
const idleMinutes = 10;

const serverName = (platform: Platform) => `${architectures[platform].suffix}.runner.internal`;
const certificates = new Certificates("certificates", {
    servers: {
        registry: { dnsNames: [registryHost] },
        ...Object.fromEntries(platforms.map((platform) => [platform, { dnsNames: [serverName(platform)] }])),
    },
});
const certificateOf = (server: string) => certificates.servers[server] as KeyPair;

const registry = new LocalRegistry("registry", {
    stackFolder,
    host: registryHost,
    port: 8443,
    ca: certificates.ca,
    certificate: certificateOf("registry"),
});
const runners = platforms.map(
    (platform, at) =>
        new LocalRunner(`runner-${architectures[platform].suffix}`, {
            platform,
            stackFolder,
            port: 8444 + at,
            idleMinutes,
            cacheGigabytes: 20,
            serverName: serverName(platform),
            certificate: certificateOf(platform),
            registry,
        }),
);
const builder = new RemoteBuilder("builder", {
    builder: stackFolder,
    runners,
    ca: certificates.ca,
    client: certificates.client,
});

const app = new MultiPlatformImage("app", {
    builder,
    repository: `${registry.address}/app`,
    context: "app",
    tags: ["1.0", "latest"],
    args: { VERSION: "1.0" },
    cache: "none",
});

export const ref = app.ref;
export const connect = builder.connect;
