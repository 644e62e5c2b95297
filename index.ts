import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { readSettings, type Settings } from "./components/configuration/settings";
import { declaredImages } from "./components/declaredImages";
import type { Infrastructure } from "./components/infrastructure";
import { localInfrastructure } from "./components/localInfrastructure";
import { RemoteBuilder } from "./components/remoteBuilder/remoteBuilder";
import { dataFolder } from "./components/runner/local/localFolder";

/** Name of the builder, and of the stack's folder on this machine. */
const stackName = `${pulumi.getProject()}-${pulumi.getStack()}`;

async function infrastructureOf(settings: Settings): Promise<Infrastructure> {
    switch (settings.runnerType) {
        case "local":
            return localInfrastructure(settings, stackName);
        case "ec2":
            throw new pulumi.RunError("runnerType: ec2 comes with the next version; use local");
    }
}

export = async () => {
    const settings = await readSettings(stackName);
    const infrastructure = await infrastructureOf(settings);
    const builder = new RemoteBuilder("builder", {
        builder: stackName,
        runners: infrastructure.runners,
        ca: infrastructure.ca,
        client: infrastructure.client,
        idleMinutes: settings.idleMinutes,
        timingsFile: path.join(dataFolder(), stackName, "last-up.json"),
    });
    const images = declaredImages(settings, builder, infrastructure);
    return {
        repositoryUrl: infrastructure.repositoryUrl,
        images: Object.fromEntries(
            Object.entries(images).map(([name, { ref, platformRefs }]) => [name, { ref, platforms: platformRefs }]),
        ),
        runners: builder.runners,
        builder: builder.builder,
        connect: builder.connect,
    };
};
