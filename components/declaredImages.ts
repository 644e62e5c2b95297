import type * as pulumi from "@pulumi/pulumi";
import { inBuildOrder } from "./configuration/images";
import type { Settings } from "./configuration/settings";
import { MultiPlatformImage } from "./image/multiPlatformImage";
import type { Infrastructure } from "./infrastructure";
import type { RemoteBuilder } from "./remoteBuilder/remoteBuilder";

/** Creates the images of the configuration, each after those it is built on. */
export function declaredImages(
    settings: Pick<Settings, "images" | "buildSecrets">,
    builder: RemoteBuilder,
    infrastructure: Pick<Infrastructure, "repositoryOf" | "loginsOf" | "cache">,
): { [name: string]: MultiPlatformImage } {
    const images: { [name: string]: MultiPlatformImage } = {};
    for (const name of inBuildOrder(settings.images)) {
        const { bases = [], secrets = [], contexts, ...declaration } = settings.images[name] ?? { context: "" };
        images[name] = new MultiPlatformImage(name, {
            cache: infrastructure.cache,
            ...declaration,
            builder,
            repository: infrastructure.repositoryOf(name),
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
