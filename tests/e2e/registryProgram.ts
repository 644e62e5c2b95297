// A program of the tests: runners of this machine, and images pushed to a registry of any kind, by setting `registry`.
import * as pulumi from "@pulumi/pulumi";
import { architectures, knownPlatforms } from "../../components/architecture";
import { RemoteBuilder } from "../../components/builder/remoteBuilder";
import { MultiPlatformImage } from "../../components/image/multiPlatformImage";
import type { RegistryContext } from "../../components/registry/kind";
import { registryKinds } from "../../components/registry/kinds";
import { LocalRunner } from "../../components/runner/local/localRunner";
import { stackNameOf } from "../../configuration/stackName";

const config = new pulumi.Config();
const stackName = stackNameOf(pulumi.getProject(), pulumi.getStack());
const localPort = config.requireNumber("localPort");
const context: RegistryContext = { stackName, localPort };

/** As the configuration has it: all of it is text, secrets in plain. */
const text = (setting: string) => pulumi.runtime.allConfig()[`${pulumi.getProject()}:${setting}`] ?? "";

function makeRegistry() {
    if (text("registry") === "ecr") {
        const values = {
            immutableTags: false,
            movingTags: [],
            untaggedDays: 90,
            cacheDays: 30,
            forceDelete: text("forceDelete") === "true",
        };
        return registryKinds.ecr.load().create("registry", values, context);
    }
    const values = {
        registryUrl: text("registryUrl"),
        registryUser: text("registryUser"),
        registryToken: text("registryToken"),
    };
    return registryKinds.generic.load().create("registry", values, context);
}

const registry = makeRegistry();
const runners = knownPlatforms.map((platform, at) => {
    const { suffix } = architectures[platform];
    return new LocalRunner(`runner-${suffix}`, {
        platform,
        stackFolder: stackName,
        port: localPort + 1 + at,
        idleMinutes: 15,
        cacheGigabytes: 5,
        serverName: `${suffix}.runner.internal`,
    });
});
const builder = new RemoteBuilder("builder", { builder: stackName, runners, registry });

const base = new MultiPlatformImage("base", { builder, registry, context: "base" });
const app = new MultiPlatformImage("app", {
    builder,
    registry,
    context: "app",
    tags: ["1.0", "latest"],
    contexts: { base },
});
registry.guard?.([builder, ...runners, base, app]);

const of = ({ ref, platformRefs }: MultiPlatformImage) => ({ ref, platforms: platformRefs });
export const images = { base: of(base), app: of(app) };
export const connect = builder.connect;
