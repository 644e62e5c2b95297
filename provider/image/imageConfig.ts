/** An image's configuration, as far as it says where its programs run. */
export interface ImageConfig {
    os?: string;
    architecture?: string;
    variant?: string;
}

/** The platform of an image, as in `linux/arm64`; undefined where its configuration does not say. */
export function platformOfConfig({ os, architecture, variant }: ImageConfig): string | undefined {
    return architecture && [os, architecture, variant].filter(Boolean).join("/");
}
