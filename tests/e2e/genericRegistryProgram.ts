// A program of the tests: runners of this machine, images pushed to a registry elsewhere.
import * as pulumi from "@pulumi/pulumi";
import { GenericRegistry, LocalRunners, MultiPlatformImage, RemoteBuilder } from "../../components";
import { stackNameOf } from "../../configuration/stackName";

const config = new pulumi.Config();
const stackFolder = stackNameOf(pulumi.getProject(), pulumi.getStack());
const registryToken = config.getSecret("registryToken");

const registry = new GenericRegistry("registry", {
    registryUrl: config.require("registryUrl"),
    registryUser: config.get("registryUser"),
    ...(registryToken ? { registryToken } : {}),
});
const { runners } = new LocalRunners("runners", {
    stackFolder,
    localPort: config.requireNumber("localPort"),
    cacheGigabytes: 5,
});
const builder = new RemoteBuilder("builder", { builder: stackFolder, runners, registry });

const base = new MultiPlatformImage("base", { builder, registry, context: "base" });
const app = new MultiPlatformImage("app", {
    builder,
    registry,
    context: "app",
    tags: ["1.0", "latest"],
    contexts: { base },
});

const of = ({ ref, platformRefs }: MultiPlatformImage) => ({ ref, platforms: platformRefs });
export const images = { base: of(base), app: of(app) };
export const connect = builder.connect;
