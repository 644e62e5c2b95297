import * as pulumi from "@pulumi/pulumi";
import { stackTags } from "./components/account/stackTags";
import { RemoteBuilder } from "./components/builder/remoteBuilder";
import { ciAccess } from "./components/ci/ciAccess";
import { registryKind } from "./components/registry/kinds";
import { runnerKind } from "./components/runner/kinds";
import { stackNameOf } from "./components/stackName";
import { begin } from "./configuration/begin";
import { declaredImages } from "./configuration/declaredImages";
import { outputsOf } from "./configuration/outputs";
import { readSettings, registryKindOf } from "./configuration/readSettings";

export = async () => {
    const begun = begin();
    /** Name of the builder, of the stack's folder on this machine, and of what it has in the cloud. */
    const stackName = stackNameOf(pulumi.getProject(), pulumi.getStack());
    const settings = await readSettings(stackName);
    const context = { stackName, tags: stackTags() };

    const registry = registryKind(registryKindOf(settings)).load().create("registry", settings, context);
    const runners = runnerKind(settings.runners)
        .load()
        .create(stackName, settings, { ...context, registry });
    const builder = new RemoteBuilder("builder", {
        builder: stackName,
        runners: runners.runners,
        registry,
        buildsPerRunner: settings.buildsPerRunner,
    });
    const images = declaredImages(settings, builder, registry);
    const ci = ciAccess(settings, { ...context, registry, runners, builder });
    registry.guard?.([runners, builder, ...Object.values(images), ...ci.resources]);
    await begun;
    return outputsOf({ registry, builder, images, ci });
};
