import type * as pulumi from "@pulumi/pulumi";
import type { RemoteBuilder } from "../components/builder/remoteBuilder";
import { MultiPlatformImage } from "../components/image/multiPlatformImage";
import type { Infrastructure } from "../components/infrastructure";
import { inBuildOrder } from "./images";
import type { Settings } from "./settings";

/** Creates the images of the configuration, each after those it is built on. */
export function declaredImages(
    settings: Pick<Settings, "images" | "buildSecrets">,
    builder: RemoteBuilder,
    infrastructure: Pick<Infrastructure, "repositoryOf" | "repositoryMadeOf" | "loginsOf" | "cache">,
): { [name: string]: MultiPlatformImage } {
    const images: { [name: string]: MultiPlatformImage } = {};
    for (const name of inBuildOrder(settings.images)) {
        const { bases = [], secrets = [], contexts, ...declaration } = settings.images[name] ?? { context: "" };
        images[name] = new MultiPlatformImage(name, {
            cache: infrastructure.cache,
            ...declaration,
            builder,
            repository: infrastructure.repositoryOf(name),
            repositoryMade: infrastructure.repositoryMadeOf?.(name),
            login: infrastructure.loginsOf?.(name),
            contexts: {
                ...contexts,
                ...Object.fromEntries(bases.map((base) => [base, images[base] as MultiPlatformImage])),
            },
            secrets: Object.fromEntries(secrets.map((secret) => [secret, secretOf(settings.buildSecrets, secret)])),
        });
    }
    return images;
}

function secretOf(secrets: Settings["buildSecrets"], name: string): pulumi.Output<string> {
    return secrets.apply((values) => values[name] ?? "");
}
