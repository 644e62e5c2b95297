import type * as pulumi from "@pulumi/pulumi";
import type { RemoteBuilder } from "../components/builder/remoteBuilder";
import { MultiPlatformImage } from "../components/image/multiPlatformImage";
import type { Registry } from "../components/registry/registry";
import { secretOptions } from "./imageSecrets";
import { inBuildOrder } from "./images";
import type { Settings } from "./settings";

/** Creates the images of the configuration, each after those it is built on. */
export function declaredImages(
    settings: Pick<Settings, "images" | "buildSecrets">,
    builder: RemoteBuilder,
    registry: Registry,
): { [name: string]: MultiPlatformImage } {
    const images: { [name: string]: MultiPlatformImage } = {};
    for (const name of inBuildOrder(settings.images)) {
        const { bases = [], secrets = [], contexts, ...declaration } = settings.images[name] ?? { context: "" };
        const args = {
            ...declaration,
            builder,
            registry,
            contexts: {
                ...contexts,
                ...Object.fromEntries(bases.map((base) => [base, images[base] as MultiPlatformImage])),
            },
            secrets: Object.fromEntries(secrets.map((secret) => [secret, secretOf(settings.buildSecrets, secret)])),
        };
        images[name] = new MultiPlatformImage(name, args, secretOptions());
    }
    return images;
}

function secretOf(secrets: Settings["buildSecrets"], name: string): pulumi.Output<string> {
    return secrets.apply((values) => values[name] ?? "");
}
