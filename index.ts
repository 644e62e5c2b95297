import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { buildCosts } from "./components/buildCosts";
import type { Infrastructure } from "./components/infrastructure";
import { localInfrastructure } from "./components/localInfrastructure";
import type { MultiPlatformImage } from "./components/multiPlatformImage";
import { RemoteBuilder } from "./components/remoteBuilder/remoteBuilder";
import { dataFolder } from "./components/runner/local/localFolder";
import { declaredImages } from "./configuration/declaredImages";
import { readSettings } from "./configuration/readSettings";
import { stackNameOf } from "./configuration/stackName";

/** Name of the builder, of the stack's folder on this machine, and of what it has at AWS. */
const stackName = stackNameOf(pulumi.getProject(), pulumi.getStack());

export = async () => {
    const settings = await readSettings(stackName);
    const timingsFile = path.join(dataFolder(), stackName, "last-up.json");

    const builderOn = (infrastructure: Infrastructure) =>
        new RemoteBuilder("builder", {
            builder: stackName,
            runners: infrastructure.runners,
            ca: infrastructure.ca,
            client: infrastructure.client,
            idleMinutes: settings.idleMinutes,
            timingsFile,
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
    });

    if (settings.ec2) {
        // Loaded here: stack dev neither needs the AWS packages nor waits for them.
        const { ciAccess, ec2Infrastructure } =
            require("./components/ec2Infrastructure") as typeof import("./components/ec2Infrastructure");
        const infrastructure = ec2Infrastructure(settings, settings.ec2, stackName);
        const builder = builderOn(infrastructure);
        const images = declaredImages(settings, builder, infrastructure);
        infrastructure.guardRepositories([builder, ...Object.values(images)]);
        return {
            ...outputs(infrastructure, builder, images),
            ...ciAccess(infrastructure, builder, settings.ec2, stackName),
            buildCosts: buildCosts(builder, images, settings.ec2.prices),
        };
    }
    const infrastructure = localInfrastructure(settings, stackName);
    const builder = builderOn(infrastructure);
    return outputs(infrastructure, builder, declaredImages(settings, builder, infrastructure));
};
