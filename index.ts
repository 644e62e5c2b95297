import * as pulumi from "@pulumi/pulumi";
import { RemoteBuilder } from "./components/builder/remoteBuilder";
import type { MultiPlatformImage } from "./components/image/multiPlatformImage";
import { buildCosts, receiptsOf } from "./components/image/receipts";
import type { Infrastructure } from "./components/infrastructure";
import { localInfrastructure } from "./components/localInfrastructure";
import { declaredImages } from "./configuration/declaredImages";
import { readSettings } from "./configuration/readSettings";
import { stackNameOf } from "./configuration/stackName";

/** Name of the builder, of the stack's folder on this machine, and of what it has at AWS. */
const stackName = stackNameOf(pulumi.getProject(), pulumi.getStack());

export = async () => {
    // The engine starts the provider at its first call: at this call, so that it starts while the settings are read.
    pulumi.runtime.invoke("native-buildx:index:ready", {}).catch(() => undefined);

    // Without a word of them a failed `up` shows all outputs as removed (pulumi/pulumi#15755). They are not.
    const stack = pulumi.runtime.getStackResource();
    if (stack) {
        pulumi.runtime.registerResourceOutputs(stack, {});
    }

    const settings = await readSettings(stackName);
    const begun = new Date();

    const builderOn = (infrastructure: Infrastructure) =>
        new RemoteBuilder("builder", {
            builder: stackName,
            runners: infrastructure.runners,
            buildsPerRunner: settings.buildsPerRunner,
        });
    const outputs = (
        infrastructure: Infrastructure,
        builder: RemoteBuilder,
        images: { [name: string]: MultiPlatformImage },
    ) => ({
        repositoryUrl: infrastructure.repositoryUrl,
        images: Object.fromEntries(
            Object.entries(images).map(([name, { ref, platformRefs }]) => [name, { ref, platforms: platformRefs }]),
        ),
        runners: builder.runners,
        builder: builder.builder,
        connect: builder.connect,
        receipts: receiptsOf(images, builder.runners, settings.ec2?.prices),
    });

    if (settings.ec2) {
        // Loaded here: stack dev neither needs the AWS packages nor waits for them.
        const { ciAccess, ec2Infrastructure } =
            require("./components/ec2Infrastructure") as typeof import("./components/ec2Infrastructure");
        const infrastructure = ec2Infrastructure(settings, settings.ec2, stackName);
        const builder = builderOn(infrastructure);
        const images = declaredImages(settings, builder, infrastructure);
        infrastructure.guardRepositories([builder, ...Object.values(images)]);
        const all = outputs(infrastructure, builder, images);
        return {
            ...all,
            ...ciAccess(infrastructure, builder, settings.ec2, stackName),
            buildCosts: buildCosts(all.receipts, builder.runners, settings.ec2.prices, begun),
        };
    }
    const infrastructure = localInfrastructure(settings, stackName);
    const builder = builderOn(infrastructure);
    return outputs(infrastructure, builder, declaredImages(settings, builder, infrastructure));
};
