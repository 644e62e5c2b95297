// The components in a program of your own: runners and a registry on this machine, and one image for two platforms.
import * as pulumi from "@pulumi/pulumi";
import { LocalRegistry, LocalRunners, MultiPlatformImage, RemoteBuilder } from "native-buildx";

const stackFolder = `${pulumi.getProject()}-${pulumi.getStack()}`;
const localPort = 8443;

const registry = new LocalRegistry("registry", { stackFolder, localPort });
const { runners } = new LocalRunners("runners", { stackFolder, localPort, idleMinutes: 10, trust: registry.trust });
const builder = new RemoteBuilder("builder", { builder: stackFolder, runners, registry });

const app = new MultiPlatformImage("app", {
    builder,
    registry,
    context: "app",
    tags: ["1.0", "latest"],
    args: { VERSION: "1.0" },
});

export const ref = app.ref;
export const connect = builder.connect;
