// The components in a program of one's own: runners and a registry on this machine, and one image for two platforms.
import * as pulumi from "@pulumi/pulumi";
import { architectures, type Platform } from "../../components/architecture";
import { RemoteBuilder } from "../../components/builder/remoteBuilder";
import { MultiPlatformImage } from "../../components/image/multiPlatformImage";
import { LocalRegistry } from "../../components/registry/local/localRegistry";
import { LocalRunner } from "../../components/runner/local/localRunner";

const platforms: Platform[] = ["linux/amd64", "linux/arm64"];
const stackFolder = `${pulumi.getProject()}-${pulumi.getStack()}`;
const idleMinutes = 10;

const registry = new LocalRegistry("registry", {
    stackFolder,
    host: "registry.native-buildx.internal",
    port: 8443,
});
const runners = platforms.map(
    (platform, at) =>
        new LocalRunner(`runner-${architectures[platform].suffix}`, {
            platform,
            stackFolder,
            port: 8444 + at,
            idleMinutes,
            cacheGigabytes: 20,
            serverName: `${architectures[platform].suffix}.runner.internal`,
            trust: registry.trust,
        }),
);
const builder = new RemoteBuilder("builder", {
    builder: stackFolder,
    runners,
    registry,
});

const app = new MultiPlatformImage("app", {
    builder,
    registry,
    context: "app",
    tags: ["1.0", "latest"],
    args: { VERSION: "1.0" },
});

export const ref = app.ref;
export const connect = builder.connect;
