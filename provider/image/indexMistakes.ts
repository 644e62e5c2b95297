import { architectureOf } from "../../components/architecture";
import type { IndexEntry } from "../buildx/buildx";

/**
 * What is wrong with an index that should have exactly these platforms and these children; nothing if it is right.
 * Attestations appear as `unknown/unknown` and count as children only.
 */
export function indexMistakes(manifests: IndexEntry[], platforms: readonly string[], children: string[]): string[] {
    const found = manifests.map(platformOf).filter((platform) => platform !== "unknown/unknown");
    const digests = manifests.map((manifest) => manifest.digest);
    const twice = found.filter((platform, at) => found.indexOf(platform) !== at);
    return [
        ...platforms.filter((platform) => !found.includes(platform)).map((platform) => `lacks ${platform}`),
        ...found.filter((platform) => !platforms.includes(platform)).map((platform) => `has ${platform} besides`),
        ...[...new Set(twice)].map((platform) => `has ${platform} more than once`),
        ...children.filter((digest) => !digests.includes(digest)).map((digest) => `lacks ${digest}`),
        ...digests.filter((digest) => !children.includes(digest)).map((digest) => `has ${digest}, which was not built`),
    ];
}

function platformOf({ platform }: IndexEntry): string {
    if (!platform) {
        return "none";
    }
    const { os, architecture, variant } = platform;
    const known = architectureOf(architecture);
    // Some clients write the default variant, some leave it out.
    return known && os === "linux" && (!variant || variant === known.variant)
        ? known.platform
        : [os, architecture, ...(variant ? [variant] : [])].join("/");
}
